import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ml.images import BadImage, ImageError, ImageTooLarge, decode_image, upright_size


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def half_red(width: int = 64, height: int = 32) -> Image.Image:
    """Red on the left, blue on the right: shows which way up it is."""
    image = Image.new("RGB", (width, height), "blue")
    image.paste("red", (0, 0, width // 2, height))
    return image


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO"])
def test_every_supported_format_comes_back_as_rgb_of_its_size(kind: str) -> None:
    image = decode_image(encode(half_red(), kind))
    assert (image.mode, image.size) == ("RGB", (64, 32))
    assert np.abs(np.subtract(image.getpixel((8, 16)), (255, 0, 0))).max() < 12
    assert np.abs(np.subtract(image.getpixel((56, 16)), (0, 0, 255))).max() < 12


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"hello, this is no image at all",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
    ],
    ids=["empty", "one byte", "text", "svg", "pdf"],
)
def test_what_is_no_image_is_a_bad_image(data: bytes) -> None:
    with pytest.raises(BadImage) as caught:
        decode_image(data)
    assert caught.value.code == "bad_image"
    assert caught.value.message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_image_is_a_bad_image(kind: str) -> None:
    data = encode(noise(), kind)
    with pytest.raises(BadImage):
        decode_image(data[: len(data) // 2])


def test_a_truncated_jpeg_is_bad_even_when_decoded_small() -> None:
    data = encode(noise(640, 480), "JPEG")
    with pytest.raises(BadImage):
        decode_image(data[: len(data) // 2], target=80)


@pytest.mark.parametrize("side", [7_000, 10_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side: int, recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(ImageTooLarge) as caught:
        decode_image(png_header(side, side))
    assert caught.value.code == "image_too_large"


def test_a_gif_frame_far_larger_than_its_canvas_is_refused() -> None:
    gif = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    gif += b"," + struct.pack("<HHHHB", 0, 0, 7_000, 7_000, 0) + b"\x02\x02\x44\x01\x00;"
    with pytest.raises(ImageTooLarge):
        decode_image(gif)


def test_the_pixel_limit_is_inclusive() -> None:
    data = encode(noise(60, 40), "PNG")
    assert decode_image(data, max_pixels=2400).size == (60, 40)
    with pytest.raises(ImageTooLarge, match="60x40"):
        decode_image(data, max_pixels=2399)


@pytest.mark.parametrize("size", [(0, 0), (0, 10), (10, 0)])
def test_an_image_without_pixels_is_a_bad_image(size: tuple[int, int]) -> None:
    with pytest.raises(BadImage):
        decode_image(png_header(*size))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("target", [None, 32])
def test_an_image_is_turned_upright_by_its_exif_orientation(orientation: int, target: int | None) -> None:
    upright = half_red(256, 128)
    stored = {  # how a camera that notes this orientation lays the pixels down
        1: lambda image: image,
        2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
        4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
        6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
        7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
        8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
    }[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode_image(encode(stored, "JPEG", exif=exif), target=target)
    assert image.width == 2 * image.height
    assert image.getpixel((image.width // 8, image.height // 2))[0] > 200
    assert image.getpixel((image.width * 7 // 8, image.height // 2))[2] > 200


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_picture(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(half_red(64, 32), kind, exif=exif)
    assert upright_size(data) == decode_image(data).size
    assert upright_size(data) == ((32, 64) if orientation > 4 else (64, 32))


def test_of_two_orientations_in_a_png_the_first_one_counts() -> None:
    first, second = Image.Exif(), Image.Exif()
    first[0x0112], second[0x0112] = 6, 1
    data = encode(half_red(64, 32), "PNG", exif=first)
    end = data.index(b"IEND") - 4
    data = data[:end] + chunk(b"eXIf", second.tobytes().removeprefix(b"Exif\0\0")) + data[end:]
    assert upright_size(data) == decode_image(data).size == (32, 64)


def test_no_size_is_told_of_what_is_no_picture_or_too_large() -> None:
    with pytest.raises(BadImage):
        upright_size(b"hello, I am no picture")
    with pytest.raises(ImageTooLarge):
        upright_size(png_header(200, 200), max_pixels=30_000)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_spoil_a_good_picture() -> None:
    data = encode(half_red(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 20)
    assert decode_image(data).size == (64, 32)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_shows_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    image = decode_image(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert np.abs(np.subtract(image.getpixel((16, 16)), (255, 0, 0))).max() < 12


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    image = decode_image(encode(half_red().convert("CMYK"), "JPEG", quality=95))
    red, green, blue = image.getpixel((8, 16))
    assert red > 200 > 60 > max(green, blue)


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, axis=0)
    image = decode_image(encode(Image.fromarray(ramp), "PNG"))
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image)[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_lies_over_white(kind: str) -> None:
    layer = Image.new("RGBA", (32, 32), (255, 0, 0, 255))
    layer.paste((0, 0, 0, 0), (16, 0, 32, 32))
    image = decode_image(encode(layer, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert image.getpixel((4, 16)) == (255, 0, 0)
    assert image.getpixel((28, 16)) == (255, 255, 255)


def test_half_transparent_grey_is_blended_with_white() -> None:
    image = decode_image(encode(Image.new("LA", (8, 8), (0, 128)), "PNG"))
    assert image.getpixel((4, 4)) == pytest.approx((127, 127, 127), abs=1)


def test_a_palette_and_its_transparent_colour_are_resolved() -> None:
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([255, 0, 0, 0, 0, 0])
    palette.paste(1, (8, 0, 16, 16))
    opaque = decode_image(encode(palette, "PNG"))
    assert (opaque.getpixel((2, 2)), opaque.getpixel((12, 2))) == ((255, 0, 0), (0, 0, 0))
    clear = decode_image(encode(palette, "PNG", transparency=1))
    assert (clear.getpixel((2, 2)), clear.getpixel((12, 2))) == ((255, 0, 0), (255, 255, 255))


def test_black_and_white_bits_become_rgb() -> None:
    assert decode_image(encode(Image.new("1", (9, 9), 1), "PNG")).getpixel((4, 4)) == (255, 255, 255)


def test_a_target_shrinks_a_large_jpeg_but_never_below_it() -> None:
    image = decode_image(encode(noise(1600, 800), "JPEG"), target=320)
    assert 320 <= image.width < 1600
    assert image.width == 2 * image.height
    assert decode_image(encode(noise(300, 200), "JPEG"), target=320).size == (300, 200)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_damaged_bytes_raise_image_errors_and_nothing_else(kind: str) -> None:
    rng = np.random.default_rng(1)
    whole = encode(noise(), kind)
    refused = 0
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(0, min(len(data), 200), 4):
            data[place] = rng.integers(0, 256)
        try:
            decode_image(bytes(data), max_pixels=1_000_000)
        except ImageError:
            refused += 1
    assert refused > 10


def test_a_jpeg_of_thousands_of_scans_is_refused_at_once() -> None:
    """Every scan of a progressive JPEG is a pass over the whole picture: minutes for a small file."""
    image = Image.effect_noise((64, 64), 80)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    assert decode_image(data).size == (64, 64)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(BadImage, match="scans"):
        decode_image(data[:last] + data[last:-2] * 200 + data[-2:])


def test_a_tiff_of_one_huge_tile_is_refused_before_it_is_decoded() -> None:
    """A picture of 8 x 8 pixels in a tile of 40,000 x 40,000 would take gigabytes."""
    entries = [(256, 4, 8), (257, 4, 8), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    entries += [(322, 4, 40_000), (323, 4, 40_000), (324, 4, 200), (325, 4, 100)]
    rows = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    header = b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4)
    data = header.ljust(200, b"\0") + zlib.compress(bytes(10_000)).ljust(100, b"\0")
    with pytest.raises(ImageTooLarge, match="tiles"):
        decode_image(data)
