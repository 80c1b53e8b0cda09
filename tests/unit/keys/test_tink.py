"""Tink opens what we sealed, and we open what Tink sealed."""

import io

import pytest

from keys.sealing import Dek, SealingStream, open_sealed, seal

tink = pytest.importorskip("tink")
from tink import cleartext_keyset_handle, streaming_aead  # noqa: E402  # only where tink is installed
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2  # noqa: E402

SIZES = [0, 1, 65_479, 65_480, 65_481, 65_480 + 65_520, 65_480 + 65_521, 1_000_000]


class Open(io.BytesIO):
    """Tink closes what it writes to; its bytes are wanted after that."""

    def close(self) -> None:
        pass


def primitive(dek: Dek) -> "streaming_aead.StreamingAead":
    streaming_aead.register()
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0,
        key_value=dek.reveal(),
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=65536, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
        ),
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    entry = keyset.key.add()
    entry.key_id, entry.status, entry.output_prefix_type = 1, tink_pb2.ENABLED, tink_pb2.RAW
    entry.key_data.type_url = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"
    entry.key_data.value = key.SerializeToString()
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    handle = cleartext_keyset_handle.read(tink.BinaryKeysetReader(keyset.SerializeToString()))
    return handle.primitive(streaming_aead.StreamingAead)


def tink_opens(dek: Dek, sealed: bytes, bound_to: bytes) -> bytes:
    with primitive(dek).new_decrypting_stream(io.BytesIO(sealed), bound_to) as stream:
        return bytes(stream.read())


@pytest.mark.parametrize("size", SIZES)
def test_tink_opens_ours(size: int) -> None:
    dek, plain = Dek.new(), bytes(i % 253 for i in range(size))
    assert tink_opens(dek, seal(dek, plain, bound_to=b"a box"), b"a box") == plain
    stream = SealingStream(dek, bound_to=b"a box")
    assert tink_opens(dek, stream.update(plain) + stream.finish(), b"a box") == plain


@pytest.mark.parametrize("size", SIZES)
def test_we_open_tinks(size: int) -> None:
    dek, plain, sealed = Dek.new(), bytes(i % 253 for i in range(size)), Open()
    with primitive(dek).new_encrypting_stream(sealed, b"a box") as stream:
        stream.write(plain)
    assert open_sealed(dek, sealed.getvalue(), bound_to=b"a box") == plain


def test_tink_too_refuses_another_binding() -> None:
    dek = Dek.new()
    with pytest.raises(tink.TinkError):
        tink_opens(dek, seal(dek, b"x", bound_to=b"a box"), b"another")
