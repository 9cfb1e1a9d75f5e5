import numpy as np
import pytest
import torch
from PIL import Image

from ml.closeups import CloseupSampler
from ml.crops import cut_closeup
from ml.dataset import load_split
from ml.image_cache import ImageCache, Pool, build_cache
from ml.photometric import grey
from tests.ml.drawn_faces import make_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("drawn"), train=27, valid=1, size=128)


@pytest.fixture(scope="module")
def cache(dataset) -> ImageCache:
    return build_cache(load_split(dataset, "train").samples, memory_bytes=1e9, progress=False)


def batches(sampler: CloseupSampler, **options) -> list:
    values = {"batch_size": 9, "steps": 3, "draw_size": lambda: 64, "mix_share": 0.0} | options
    return list(sampler.epoch(**values))


def test_an_epoch_shows_every_face_once(cache):
    torch.manual_seed(0)
    sampler = CloseupSampler(cache, rare_share=0.05)
    assert len(sampler) == 27
    classes = torch.cat([batch.classes for batch in batches(sampler)])
    assert classes.sum(0).tolist() == [3.0] * 9


def test_images_stay_in_range_and_differ_from_epoch_to_epoch(cache):
    sampler = CloseupSampler(cache, rare_share=0.05)
    first, second = batches(sampler), batches(sampler)
    for batch in (*first, *second):
        assert batch.images.shape == (9, 1, 64, 64)
        assert 0 <= batch.images.min() <= batch.images.max() <= 1
    assert not torch.equal(first[0].images, second[0].images)


def test_without_augmentation_training_sees_what_the_predictor_will_cut(cache, dataset):
    """Up to mirroring: of pictures moved by 0 to 2 pixels, the unmoved one is the most alike."""
    sampler = CloseupSampler(cache, rare_share=0.05)
    sampler.strength = 0.0
    seen = torch.cat([batch.images for batch in batches(sampler)])[:, 0]
    for sample in load_split(dataset, "train").samples[:6]:
        with Image.open(sample.path) as image:
            closeup = cut_closeup(image.convert("RGB"), sample.boxes[0], 64)
        wanted = grey(torch.from_numpy(np.array(closeup)).permute(2, 0, 1)[None].float() / 255)[0, 0]
        differences = {
            (down, right): min(
                (seen - picture.roll((down, right), (0, 1)))[:, 4:-4, 4:-4].abs().mean((1, 2)).min()
                for picture in (wanted, wanted.flip(1))
            )
            for down in (-2, -1, 0, 1, 2)
            for right in (-2, -1, 0, 1, 2)
        }
        assert min(differences, key=differences.get) == (0, 0)
        assert differences[0, 0] < 0.05


@pytest.mark.parametrize("size", [16, 48, 64, 80])
def test_what_lies_outside_the_picture_repeats_its_border(size):
    """A picture of one colour, with a face that fills it, gives close-ups of one colour at any size."""
    small = Pool(
        torch.zeros(4, 3, 96, 96, dtype=torch.uint8),
        torch.tensor([[91.0, 77.0]] * 4),
        torch.tensor([[[0.0, 0.0, 91.0, 77.0]]] * 4),
        torch.eye(9)[:4, None],
        torch.ones(4, 1, dtype=torch.bool),
        torch.ones(4),
    )
    small.images[:, :, :77, :91] = 200
    cache = ImageCache(small, small, torch.zeros(1, 3, 8, 8))
    sampler = CloseupSampler(cache, rare_share=0.05)
    for _ in range(5):
        pixels = sampler._look(small, torch.arange(4), torch.zeros(4, dtype=torch.long), size)
        assert pixels.min() * 255 == pytest.approx(200, abs=0.1)


def test_a_rare_expression_is_shown_more_often(cache):
    sampler = CloseupSampler(cache, rare_share=4 / 9)
    assert sampler.repeats.tolist() == pytest.approx([2.0] * 27)
    assert len(sampler) == 54


def test_blended_closeups_have_blended_labels(cache):
    torch.manual_seed(0)
    classes = torch.cat(
        [batch.classes for batch in batches(CloseupSampler(cache, rare_share=0.05), mix_share=1.0)]
    )
    assert torch.allclose(classes.sum(-1), torch.ones(len(classes)))
    blended = (classes.amax(-1) < 0.999).float().mean()
    assert blended > 0.5
