from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ml.closeups import NEGATIVES_PER_FACE, CloseupSampler
from ml.crops import cut_closeup
from ml.dataset import load_split
from ml.image_cache import MAX_FACES, ImageCache, Pool, build_cache
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


@pytest.mark.parametrize("mix_share", [0.0, 1.0])
def test_what_a_source_tells_comes_with_its_closeups(cache, mix_share):
    """Here: twice what the label says; and nothing of what is no face."""
    small, large = (replace(pool, offsets=2 * pool.classes[:, 0]) for pool in (cache.small, cache.large))
    sampler = CloseupSampler(replace(cache, small=small, large=large), rare_share=0.05)
    for batch in batches(sampler, mix_share=mix_share):
        assert torch.allclose(batch.offsets, 2 * batch.classes)
        assert batch.offsets[:9].sum() > 0


def test_images_stay_in_range_and_differ_from_epoch_to_epoch(cache):
    sampler = CloseupSampler(cache, rare_share=0.05)
    first, second = batches(sampler), batches(sampler)
    for batch in (*first, *second):
        assert batch.is_face.sum() == 9
        assert batch.images.shape == (len(batch.is_face), 1, 64, 64)
        assert 0 <= batch.images.min() <= batch.images.max() <= 1
    assert not torch.equal(first[0].images[:9], second[0].images[:9])


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


def scene(colour: int, width: int, height: int, box: list[float] | None, *, known: bool = True) -> Pool:
    """One picture of one grey with at most one face in a store of 320 pixels that is black elsewhere."""
    images = torch.zeros(1, 3, 320, 320, dtype=torch.uint8)
    images[:, :, :height, :width] = colour
    return Pool(
        images,
        torch.tensor([[float(width), float(height)]]),
        torch.tensor([[box or [0.0] * 4]]),
        torch.eye(9)[:1, None] * known,
        torch.tensor([[box is not None]]),
        torch.ones(1),
        torch.zeros(1, 9),
    )


def together(*pools: Pool) -> Pool:
    return Pool(*(torch.cat([getattr(pool, name) for pool in pools]) for name in vars(pools[0])))


@pytest.mark.parametrize("size", [16, 48, 64, 80])
def test_nothing_but_the_picture_shows_at_its_border(size):
    """A picture of one colour, with a face that fills it, gives close-ups of one colour at any size."""
    pool = scene(200, 91, 77, [0.0, 0.0, 91.0, 77.0])
    sampler = CloseupSampler(ImageCache(pool, pool, torch.zeros(1, 3, 8, 8)), rare_share=0.05)
    for _ in range(20):
        pixels = sampler._look(pool, torch.zeros(1, dtype=torch.long), pool.boxes[0], size)
        assert pixels.min() * 255 == pytest.approx(200, abs=0.1)


def test_training_and_serving_mirror_the_picture_alike():
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((96, 96))
    pool = scene(0, 96, 96, [-30.0, 20.0, 50.0, 100.0])
    pool.images[0, :, :96, :96] = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    sampler = CloseupSampler(ImageCache(pool, pool, torch.zeros(1, 3, 8, 8)), rare_share=0.05)
    sampler.strength = 0.0
    served = cut_closeup(picture, np.array([-30.0, 20.0, 50.0, 100.0]) / 96, 64)
    wanted = grey(torch.from_numpy(served).permute(2, 0, 1)[None] / 255)
    outside = 64 - round(64 * (50 + 0.075 * 80) / (80 * 1.15))  # columns left of the picture
    assert (wanted[..., :outside] - wanted[..., outside : 2 * outside].flip(-1)).abs().mean() < 0.05
    seen = [sampler._look(pool, torch.zeros(1, dtype=torch.long), pool.boxes[0], 64) for _ in range(20)]
    differences = [(look - wanted).abs().mean() for look in seen]
    mirrored = [(look.flip(-1) - wanted).abs().mean() for look in seen]
    assert max(map(min, zip(differences, mirrored, strict=True))) < 0.02


def test_some_closeups_show_scenery_and_no_part_of_a_face_worth_the_name():
    """The face is black, the rest of the scene white."""
    torch.manual_seed(0)
    pool = scene(255, 320, 240, [100.0, 100.0, 140.0, 150.0])
    pool.images[0, :, 100:150, 100:140] = 0
    pool = together(pool, scene(255, 320, 320, None))
    sampler = CloseupSampler(ImageCache(pool, pool, torch.zeros(1, 3, 8, 8)), rare_share=0.05)
    index, places = sampler._draw_negatives(400)
    assert len(index) == 400
    assert 0.5 < (index == 1).float().mean() < 0.9  # every other one on purpose, and half of the rest
    assert places.min() >= 0
    assert (places <= pool.sizes[index].repeat(1, 2) + 1e-3).all()
    sampler.strength = 0.0
    batch = sampler._cut(sampler.faces.repeat(20, 1), 64)
    others = batch.images[batch.is_face == 0]
    assert len(others) == round(40 * NEGATIVES_PER_FACE)
    assert batch.classes[batch.is_face == 0].sum() == 0
    assert others.mean((1, 2, 3)).min() > 0.6
    assert batch.images[batch.is_face == 1].mean((1, 2, 3)).max() < 0.6


def test_a_crowd_of_which_not_all_faces_are_known_gives_no_negatives():
    pool = scene(255, 320, 320, [0.0, 0.0, 10.0, 10.0])
    crowd = replace(
        pool,
        boxes=pool.boxes.repeat(1, MAX_FACES, 1),
        valid=pool.valid.repeat(1, MAX_FACES),
        classes=torch.zeros(1, MAX_FACES, 9),
    )
    sampler = CloseupSampler(ImageCache(crowd, crowd, torch.zeros(1, 3, 8, 8)), rare_share=0.05)
    assert len(sampler._draw_negatives(50)[0]) == 0


def test_data_without_scenes_or_without_faces_give_no_negatives_or_no_batches():
    face = scene(255, 90, 90, [10.0, 10.0, 80.0, 80.0])
    none = replace(face, **{name: value[:0] for name, value in vars(face).items()})
    sampler = CloseupSampler(ImageCache(face, none, torch.zeros(1, 3, 8, 8)), rare_share=0.05)
    (batch,) = sampler.epoch(batch_size=8, steps=1, draw_size=lambda: 64, mix_share=0.3)
    assert batch.is_face.tolist() == [1.0] * 8
    tiny = scene(255, 320, 320, [10.0, 10.0, 15.0, 15.0], known=False)
    sampler = CloseupSampler(ImageCache(none, tiny, torch.zeros(1, 3, 8, 8)), rare_share=0.05)
    assert list(sampler.epoch(batch_size=8, steps=1, draw_size=lambda: 64, mix_share=0.3)) == []


def test_faces_of_unknown_expression_teach_what_a_face_is():
    torch.manual_seed(0)
    pool = scene(255, 320, 240, [100.0, 100.0, 140.0, 150.0], known=False)
    sampler = CloseupSampler(ImageCache(pool, pool, torch.zeros(1, 3, 8, 8)), rare_share=0.05)
    batch = next(iter(sampler.epoch(batch_size=8, steps=1, draw_size=lambda: 64, mix_share=0.0)))
    assert batch.is_face.sum() == 8
    assert batch.classes.sum() == 0


def test_a_rare_expression_is_shown_more_often(cache):
    sampler = CloseupSampler(cache, rare_share=4 / 9)
    assert sampler.repeats.tolist() == pytest.approx([2.0] * 27)
    assert len(sampler) == 54


def test_blended_closeups_have_blended_labels(cache):
    torch.manual_seed(0)
    found = batches(CloseupSampler(cache, rare_share=0.05), mix_share=1.0)
    classes, is_face = (
        torch.cat([getattr(batch, name) for batch in found]) for name in ("classes", "is_face")
    )
    assert torch.allclose(classes.sum(-1), is_face, atol=1e-5)  # every face's expression is known here
    blended = (classes.amax(-1) < 0.999).float().mean()
    assert blended > 0.5
