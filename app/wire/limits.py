"""How much may cross the wire at once; both sides read it here."""

from typing import Final

PAIRING_BYTES: Final = 64 << 10
DOCUMENT_BYTES: Final = 1 << 20
CHUNK_BYTES: Final = 4 << 20
TENSOR_BYTES: Final = 64 << 20
ARTIFACT_BYTES: Final = 512 << 20
PAGE_ITEMS: Final = 1000
WAIT_S: Final = 30.0
