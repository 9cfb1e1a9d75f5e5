import pytest
import torch

from ml.augment import Composer, Layout
from ml.dataset import load_split
from ml.image_cache import ImageCache, Pool, build_cache
from ml.photometric import degrade, imitate_jpeg
from tests.ml.drawn_faces import make_dataset


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    root = make_dataset(tmp_path_factory.mktemp("drawn"), train=24, valid=2, size=128)
    return Composer(build_cache(load_split(root, "train").samples, memory_bytes=1e9, progress=False))


@pytest.mark.parametrize(
    "layout",
    [
        Layout(128, 1, (0.4, 1.0)),
        Layout(128, 2, (0.4, 1.0)),
        Layout(192, 3, (0.4, 1.0)),
        Layout(160, 1, (0, 0), whole_scenes=True),
    ],
    ids=["one face", "four faces", "nine faces", "scene"],
)
def test_boxes_and_pixels_stay_in_range_in_every_layout(composer, layout):
    torch.manual_seed(0)
    batch = composer.compose(layout, 6)
    assert batch.images.shape == (6, 3, layout.side, layout.side)
    assert batch.images.min() >= 0
    assert batch.images.max() <= 1
    faces = batch.faces[batch.valid]
    assert len(faces) >= 3
    assert (faces[:, 2:] > faces[:, :2]).all()
    assert faces.min() >= 0
    assert faces.max() <= layout.side
    assert ((batch.classes.sum(-1) - 1).abs().lt(1e-5) | (batch.classes.sum(-1) == 0)).all()


def test_the_box_follows_the_face_through_turning_scaling_and_mirroring(tmp_path):
    """A red square on white stands for the face: after composing, the red pixels must lie where the box
    says."""
    from PIL import Image, ImageDraw

    for name in ("images", "labels"):
        (tmp_path / "train" / name).mkdir(parents=True)
    image = Image.new("RGB", (90, 90), "white")
    ImageDraw.Draw(image).ellipse((20, 30, 50, 70), fill="red")
    image.save(tmp_path / "train/images/a.png")
    (tmp_path / "train/labels/a.txt").write_text(f"4 {35 / 90} {50 / 90} {30 / 90} {40 / 90}\n")
    composer = Composer(
        build_cache(load_split(tmp_path, "train").samples, memory_bytes=1e9, progress=False), strength=0.0
    )
    torch.manual_seed(1)
    batch = composer.compose(Layout(160, 1, (0.3, 0.6)), 16)
    checked = 0
    for image, face, valid in zip(batch.images, batch.faces, batch.valid, strict=True):
        if not valid[0] or face[0].min() < 2 or face[0].max() > 158:
            continue
        red = ((image[0] > 0.8) & (image[1] < 0.3)).nonzero()
        found = torch.tensor([red[:, 1].min(), red[:, 0].min(), red[:, 1].max() + 1, red[:, 0].max() + 1])
        assert (found - face[0]).abs().max() < 3.5
        checked += 1
    assert checked >= 5


def test_the_same_seed_draws_the_same_batch(composer):
    torch.manual_seed(3)
    first = composer.compose(Layout(128, 2, (0.4, 1.0)), 3)
    torch.manual_seed(3)
    second = composer.compose(Layout(128, 2, (0.4, 1.0)), 3)
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.faces, second.faces)


def test_a_fine_jpeg_step_changes_almost_nothing_and_a_coarse_one_much():
    torch.manual_seed(0)
    images = torch.rand(1, 3, 32, 32)
    fine = imitate_jpeg(images, torch.full((1, 1, 1), 1e-4))
    coarse = imitate_jpeg(images, torch.full((1, 1, 1), 0.1))
    assert (fine - images).abs().max() < 0.01
    assert (coarse - images).abs().mean() > 0.05


def test_without_strength_degrading_leaves_the_image_alone():
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(degrade(images.clone(), 0.0), images)


def test_more_of_the_scenes_show_no_face_than_there_are_such():
    """One scene in twenty has no face."""
    torch.manual_seed(0)
    scenes = Pool(
        torch.zeros(20, 3, 128, 128, dtype=torch.uint8),
        torch.full((20, 2), 128.0),
        torch.tensor([[[40.0, 40.0, 90.0, 90.0]]]).expand(20, 1, 4),
        torch.zeros(20, 1, 9),
        torch.arange(20)[:, None] > 0,
        torch.ones(20),
        torch.zeros(20, 9),
    )
    composer = Composer(ImageCache(scenes, scenes, torch.zeros(1, 3, 8, 8, dtype=torch.uint8)))
    batch = composer.compose(Layout(128, 1, (0, 0), whole_scenes=True), 1000)
    assert (~batch.valid.any(1)).float().mean() == pytest.approx(0.15 + 0.85 / 20, abs=0.04)


def test_nothing_is_cut_out_of_a_picture_without_a_face():
    """White pictures on a black background: few canvases are left without any of them."""
    torch.manual_seed(0)
    pictures = Pool(
        torch.full((4, 3, 64, 64), 255, dtype=torch.uint8),
        torch.full((4, 2), 64.0),
        torch.zeros(4, 1, 4),
        torch.zeros(4, 1, 9),
        torch.zeros(4, 1, dtype=torch.bool),
        torch.ones(4),
        torch.zeros(4, 9),
    )
    cache = ImageCache(pictures, pictures, torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    batch = Composer(cache, strength=0.0).compose(Layout(32, 1, (0.3, 1.0)), 400)
    assert not batch.valid.any()
    assert batch.images.isfinite().all()
    assert (batch.images.amax((1, 2, 3)) < 0.1).float().mean() < 0.1
