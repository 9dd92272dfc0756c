"""An image file as an upright, opaque picture in gray or RGB."""

import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fathom.artifacts.signature import MOST_BITS
from fathom.base.errors import FathomError
from fathom.download.own_files import damage, error_text

# What libraries raise for damaged files: zipfile raises NotImplementedError for an unknown
# compression.
READ_ERRORS = (
    EOFError, IndexError, KeyError, MemoryError, NotImplementedError, OSError, OverflowError,
    RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
ORIENTATION = 0x0112  # EXIF's tag
WHITE = -1  # the value of a transparent pixel in a 16-bit image


@dataclass(frozen=True)
class LoadedImage:
    """A picture of 8 bits in gray (L) or color (RGB), or of 16 bits in gray (I), where a
    transparent pixel is `WHITE`. `changes` says how it differs from the file.
    """

    picture: Image.Image
    changes: list[str]


def decode_image(
    file: Path | IO[bytes],
    name: str,
    bits: int = MOST_BITS,
    formats: tuple[str, ...] = FORMATS,
) -> Image.Image:
    """Read an image file, upright and opaque, as 8 bits of gray (L) or color (RGB).

    Raises:
        FathomError: it has none of the formats (names of Pillow), has floating-point values, is
            damaged or suspiciously large, or a 16-bit image has values of more than `bits` bits.
    """
    picture = load_image(file, name, formats).picture
    if picture.mode != "I":
        return picture
    levels = np.asarray(picture)
    highest = int(levels.max())
    if highest >> bits > 0:
        raise FathomError(
            f"{name} has the value {highest}, but images of {bits} bits have at most "
            f"{2**bits - 1}: set dataset.source.bits to {highest.bit_length()}"
        )
    return Image.fromarray(np.where(levels == WHITE, 255, levels >> bits - 8).astype(np.uint8))


def load_image(
    file: Path | IO[bytes], name: str, formats: tuple[str, ...] = FORMATS
) -> LoadedImage:
    """Read an image file, with the errors of `decode_image`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=formats) as opened:
                raw_mode = str(opened.tile[0][3]) if opened.tile else ""
                opened.load()
                if opened.mode == "F":
                    raise FathomError(
                        f"{name} has floating-point values: convert it to 8 or 16 bits, or "
                        "save all images as an .npz file"
                    )
                changes = list_changes(opened, raw_mode)
                return make_opaque(ImageOps.exif_transpose(opened), changes)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise FathomError(f"{name}: {error_text(error)}") from error
        except UnidentifiedImageError as error:
            names = f"{', '.join(formats[:-1])} or {formats[-1]}"
            raise FathomError(f"{name} is not a {names} image: convert or remove it") from error
        except READ_ERRORS as error:
            text = f"{name} is damaged ({error_text(error)}): repair or remove it"
            raise damage(name, error, text) from error


def list_changes(opened: Image.Image, raw_mode: str) -> list[str]:
    """Return what reading changes, as the end of a sentence about images.

    `raw_mode` is how Pillow decodes the file.
    """
    changes = []
    if opened.getexif().get(ORIENTATION) in range(2, 9):
        changes.append("are turned upright, as their EXIF data says")
    if opened.mode == "CMYK":
        changes.append("are CMYK, which becomes RGB")
    if opened.format != "JPEG" and getattr(opened, "n_frames", 1) > 1:
        changes.append("have several frames or pages: the first is read")
    if raw_mode.endswith(";16B") and not opened.mode.startswith("I"):
        changes.append("have 16 bits for each color, of which the highest 8 are read")
    return changes


def make_opaque(image: Image.Image, changes: list[str]) -> LoadedImage:
    """Return an image with white where it is transparent."""
    transparent = False
    if image.mode.startswith("I"):
        levels = np.array(image, np.int32)
        clear = levels == image.info.get("transparency", WHITE)
        transparent = bool(clear.any())
        image = Image.fromarray(np.where(clear, np.int32(WHITE), levels))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        transparent = bool((np.asarray(image.getchannel("A")) < 255).any())
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    else:
        image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    if transparent:
        changes = [*changes, "have transparent pixels, which become white"]
    return LoadedImage(image, changes)
