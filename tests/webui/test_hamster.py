"""Biscuit in a real browser: what scores do to the picture, when it moves, and the stills."""

import base64
import io
from collections.abc import Iterator
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

from ml.config import EMOTIONS, UNKNOWN
from tools.export_hamster import STILLS, draw_stills, find_chromium, outdated, serve

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on the PATH to draw the hamster"),
]
POSES = (*EMOTIONS, UNKNOWN)

BUILD = """async ({ animate, style }) => {
  const { Hamster } = await import("/hamster.js");
  window.card = document.createElement("div");
  card.style.cssText = style;
  document.body.append(card);
  window.hamster = new Hamster(card, { animate });
}"""
CHANGES = """async ({ settle, frames }) => {
  const next = () => new Promise(requestAnimationFrame);
  for (let i = 0; i < settle; i += 1) await next();
  let changes = 0;
  const watch = new MutationObserver((records) => { changes += records.length; });
  watch.observe(card, { subtree: true, attributes: true, childList: true });
  for (let i = 0; i < frames; i += 1) await next();
  watch.disconnect();
  return changes;
}"""
PAINTED = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 160 });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, 160, 160);
  context.scale(0.4, 0.4);
  hamster.paint(context);
  return canvas.toDataURL("image/png");
}"""
HEAD = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 400 });
  const context = canvas.getContext("2d");
  context.translate(200, 200);
  hamster.paintHead(context);
  const { data } = context.getImageData(0, 0, 400, 400);
  return Array.from({ length: 160000 }, (_, i) => Number(data[i * 4 + 3] > 250));
}"""
WEIGH = "async (scores) => (await import('/blend.js')).weigh(scores)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 400, "height": 400})
    page = context.new_page()
    serve(page)
    yield page
    context.close()


def build(page: Page, *, animate: bool, style: str = "width:160px;height:160px") -> None:
    page.evaluate(BUILD, {"animate": animate, "style": style})


def picture(page: Page) -> np.ndarray:
    """The card's pixels, float 0..255 [H, W, 3]."""
    shot = page.locator("body > div").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=float)


def one_hot(emotion: str) -> list[float]:
    return [float(name == emotion) for name in EMOTIONS]


def show(page: Page, pose: str) -> None:
    """One expression fully, or none at all."""
    page.evaluate("(scores) => hamster.setScores(scores)", None if pose == UNKNOWN else one_hot(pose))


def test_expressions_have_the_order_of_the_detector(page: Page) -> None:
    assert page.evaluate("async () => (await import('/poses.js')).EMOTIONS") == list(EMOTIONS)


def test_every_expression_is_named_and_looks_unlike_all_others(page: Page) -> None:
    build(page, animate=False)
    labels, pictures = {}, {}
    for name in POSES:
        show(page, name)
        assert page.evaluate("card.dataset.emotion") == name
        labels[name] = page.get_by_role("img").get_attribute("aria-label")
        pictures[name] = picture(page)
    assert len(set(labels.values())) == len(POSES)
    for one, other in combinations(POSES, 2):
        changed = np.abs(pictures[one] - pictures[other]).max(axis=2) > 40
        assert changed.mean() > 0.06, f"{one} and {other} look alike"


def test_label_follows_the_leading_score(page: Page) -> None:
    build(page, animate=False)
    page.evaluate("(scores) => hamster.setScores(scores)", [0.1, 0, 0, 0.05, 0, 0, 0.3, 0.2, 0])
    assert page.get_by_role("img").get_attribute("aria-label") == "Biscuit the hamster looks sad"
    page.evaluate("hamster.setScores(null)")
    assert page.evaluate("card.dataset.emotion") == UNKNOWN


def test_scores_are_blended_into_one_pose(page: Page) -> None:
    build(page, animate=False)
    page.evaluate("(scores) => hamster.setScores(scores)", [0, 0, 0, 0, 0.5, 0, 0, 0, 0.5])
    mixed = page.evaluate("""async () => {
      const { POSES } = await import("/poses.js");
      const { blendPoses, weigh } = await import("/blend.js");
      const pose = blendPoses(weigh([0, 0, 0, 0, 0.5, 0, 0, 0, 0.5]));
      return ["squintL", "earR", "round"].map((key) => [POSES.happy[key], pose[key], POSES.surprised[key]]);
    }""")
    for happy, both, surprised in mixed:
        assert both == pytest.approx((happy + surprised) / 2)
    blend = picture(page)
    for name in ("happy", "surprised"):
        show(page, name)
        assert (np.abs(picture(page) - blend).max(axis=2) > 40).mean() > 0.03


def test_scores_are_sharpened_and_need_not_sum_to_one(page: Page) -> None:
    scores = [0, 0, 0, 0, 0.7, 0.3, 0, 0, 0]
    weights = page.evaluate(WEIGH, scores)
    assert weights["happy"] > 0.8
    assert sum(weights.values()) == pytest.approx(1)
    scaled = page.evaluate(WEIGH, [score * 0.4 for score in scores])
    assert scaled == pytest.approx(weights)


@pytest.mark.parametrize("scores", [None, [0.0] * 9])
def test_no_score_at_all_is_unknown(page: Page, scores: list[float] | None) -> None:
    assert page.evaluate(WEIGH, scores)[UNKNOWN] == 1


def test_wrong_number_of_scores_is_refused(page: Page) -> None:
    build(page, animate=False)
    with pytest.raises(Error, match="expected 9 scores or null, got 2"):
        page.evaluate("hamster.setScores([0.5, 0.5])")


def test_pose_is_eased_without_overshoot(page: Page) -> None:
    course = page.evaluate("""async () => {
      const { Springs } = await import("/spring.js");
      const springs = new Springs({ x: 0 });
      springs.target = { x: 1 };
      return Array.from({ length: 60 }, () => { springs.step(1 / 60); return springs.value.x; });
    }""")
    assert course == sorted(course)
    assert course[0] < 0.1
    assert 0.4 < course[7] < 0.95
    assert course[8] > 0.6, "150 ms after a prediction the face is hardly another"
    assert course[-1] == 1


def test_a_living_hamster_moves_by_itself(page: Page) -> None:
    build(page, animate=True)
    assert page.evaluate(CHANGES, {"settle": 60, "frames": 30}) > 0


def test_reduced_motion_reaches_the_pose_and_then_draws_nothing(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    build(page, animate=True)
    show(page, "happy")
    assert page.evaluate(CHANGES, {"settle": 0, "frames": 10}) > 0
    assert page.evaluate(CHANGES, {"settle": 120, "frames": 60}) == 0
    eased = picture(page)
    page.evaluate("card.remove()")
    build(page, animate=False)
    show(page, "happy")
    assert np.abs(picture(page) - eased).mean() < 0.5


def test_reduced_motion_fades_from_one_pose_to_the_next(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    build(page, animate=True)
    show(page, "angry")
    opacities = page.evaluate("""async () => {
      const seen = new Set();
      const next = () => new Promise(requestAnimationFrame);
      const ghost = () => card.querySelector("svg svg");
      while (!ghost()) await next();
      for (; ghost(); await next()) seen.add(Number(ghost().getAttribute("opacity")));
      return [...seen];
    }""")
    assert opacities == sorted(opacities, reverse=True), "the earlier pose came back"
    assert 0 < opacities[0] <= 1


def test_reduced_motion_keeps_still_while_the_scores_only_tremble(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    build(page, animate=True)
    show(page, "happy")
    page.evaluate(CHANGES, {"settle": 60, "frames": 1})
    scores = [0.0, 0.0, 0.0, 0.0, 0.9, 0.1, 0.0, 0.0, 0.0]
    page.evaluate("(scores) => hamster.setScores(scores)", scores)
    assert page.evaluate(CHANGES, {"settle": 0, "frames": 20}) == 0


@pytest.mark.parametrize("name", POSES)
def test_canvas_is_painted_as_the_page_shows_it(page: Page, name: str) -> None:
    build(page, animate=False)
    show(page, name)
    shown = picture(page)
    png = base64.b64decode(page.evaluate(PAINTED).split(",")[1])
    painted = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)
    assert np.ptp(painted) > 200
    assert (np.abs(painted - shown).max(axis=2) > 60).mean() < 0.005


@pytest.mark.parametrize("name", POSES)
def test_mask_covers_a_face_whatever_the_pose(page: Page, name: str) -> None:
    build(page, animate=False)
    show(page, name)
    covered = np.asarray(page.evaluate(HEAD)).reshape(400, 400)
    # As wide and as high as the box of a face that the mask is scaled to, raised as it is there.
    face = covered[200 - 55 : 200 + 83, 200 - 65 : 200 + 65]
    assert face.mean() > 0.99


def test_pose_does_not_depend_on_the_poses_before_it(page: Page) -> None:
    """The rig draws only the parts whose numbers changed, by more than anybody could see."""
    differs = page.evaluate("""async () => {
      const { buildRig } = await import("/rig.js");
      const { PARAMETERS } = await import("/params.js");
      const step = () => Math.floor(Math.random() * 5) / 4;
      const value = ([rest, low, high]) => rest + step() * ((Math.random() < 0.5 ? low : high) - rest);
      const random = () =>
        Object.fromEntries(Object.entries(PARAMETERS).map(([name, range]) => [name, value(range)]));
      const seen = (node) => !node.closest("[display=none]");
      const word = ({ name, value }) => `${name}=${value}`;
      const written = (node) => [...node.attributes].map(word).sort().join();
      const shown = (rig) => [...rig.svg.querySelectorAll("*")].filter(seen).map(written).join();
      const used = buildRig("one");
      for (let i = 0; i < 30; i += 1) {
        const pose = random();
        const fresh = buildRig("one");
        used.apply(pose);
        fresh.apply(pose);
        if (shown(used) !== shown(fresh)) return pose;
      }
      return null;
    }""")
    assert differs is None


def test_what_nobody_sees_is_not_written(page: Page) -> None:
    """Neither a trembling of the scores nor the motion of props that are not shown."""
    trembled, hidden, smiled = page.evaluate("""async () => {
      const { buildRig } = await import("/rig.js");
      const rig = buildRig("one");
      const watch = new MutationObserver(() => {});
      watch.observe(rig.svg, { subtree: true, attributes: true });
      const written = (pose) => {
        rig.apply(pose);
        return watch.takeRecords().length;
      };
      written({ smile: 0.5, phase: 0.2 });
      const poses = [{ smile: 0.5005, phase: 0.2 }, { smile: 0.5, phase: 0.7 }, { smile: 0.6 }];
      return poses.map(written);
    }""")
    assert (trembled, hidden) == (0, 0)
    assert smiled > 0


def test_steps_too_small_to_be_seen_add_up(page: Page) -> None:
    """After many of them the picture is the one of the last pose."""
    off = page.evaluate(r"""async () => {
      const { buildRig } = await import("/rig.js");
      const stepped = buildRig("one");
      const fresh = buildRig("one");
      const pose = (share) => ({ smile: share, open: share, puffL: share, pawXR: 250 + 100 * share });
      for (let step = 0; step <= 2000; step += 1) stepped.apply(pose(step / 2000));
      fresh.apply(pose(1));
      const paths = (rig) => [...rig.svg.querySelectorAll("path")].map((path) => path.getAttribute("d"));
      const numbers = (rig) => paths(rig).join(" ").match(/-?[\d.]+/g).map(Number);
      const [one, other] = [numbers(stepped), numbers(fresh)];
      return Math.max(...one.map((number, i) => Math.abs(number - other[i])));
    }""")
    assert off < 0.3, "user units, of 400"


def test_hamsters_that_draw_slowly_take_turns(page: Page) -> None:
    counts = page.evaluate("""async () => {
      const { wake } = await import("/clock.js");
      const counts = [0, 0, 0, 0];
      const slow = (index) => () => {
        for (const start = performance.now(); performance.now() - start < 12;);
        counts[index] += 1;
        return counts[index] < 5;
      };
      counts.forEach((_, index) => wake(slow(index)));
      while (counts[0] < 3) await new Promise(requestAnimationFrame);
      return counts;
    }""")
    assert counts == [3, 2, 2, 2]


def test_hamster_out_of_view_draws_nothing(page: Page) -> None:
    build(page, animate=True, style="width:160px;height:160px;position:absolute;top:3000px")
    assert page.evaluate(CHANGES, {"settle": 20, "frames": 30}) == 0


def test_picture_needs_no_exception_from_the_content_security_policy(page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    build(page, animate=True)
    show(page, "sleepy")
    page.evaluate(CHANGES, {"settle": 30, "frames": 1})
    assert complaints == []


def test_stills_match_the_rig(page: Page) -> None:
    drawn = draw_stills(page)
    assert sorted(drawn) == sorted(POSES)
    assert outdated(drawn) == [], "run: python tools/export_hamster.py"


@pytest.mark.parametrize("name", POSES)
def test_still_stands_alone(name: str) -> None:
    root = ET.parse(STILLS / f"{name}.svg").getroot()
    assert root.find("{http://www.w3.org/2000/svg}title").text
    ids = {node.get("id") for node in root.iter() if node.get("id")}
    for node in root.iter():
        assert node.tag.split("}")[1] not in {"script", "style", "image", "use", "foreignObject", "a"}
        for attribute, value in node.attrib.items():
            assert "href" not in attribute and not attribute.startswith("on")
            if "url(" in value:
                assert value.removeprefix("url(#").removesuffix(")") in ids
