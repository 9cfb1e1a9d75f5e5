"""How smoothly does the hamster move on the page? Drives a real browser with a fake camera at its own site.

    python tools/bench/puppet.py --seconds 8 --throttle 6 --faces 1 --mask

Starts the site, opens the camera page and counts the frames in which a hamster was drawn anew, without and
with Chromium's CPU throttling. Prints frames a second, the 95th percentile of the time from one to the next,
and of the time from a prediction to the next drawing; and how long the page's main thread is busy for one
drawing, all that the page does included, which a busy machine falsifies least. The throttling slows the page
down, not the site.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

try:
    from playwright.sync_api import Page, sync_playwright

    from tests.e2e.camera_page import start_camera
    from tests.e2e.fake_camera import HEIGHT, SWAY, WIDTH, two_astronauts, write_film
    from tests.e2e.site_process import SiteProcess
    from tools.export_hamster import find_chromium
except ImportError as error:
    sys.exit(f"{error.name} is missing: pip install -r requirements.txt -r requirements-dev.txt")

LAPTOP = {"width": 1280, "height": 720}
# Times in ms. A drawing is a frame in which anything in the hamster's card changed.
COUNT = """async (length) => {
  const drawn = [], reactions = [];
  let told = null;
  const hamster = new MutationObserver(() => {
    const now = performance.now();
    drawn.push(now);
    if (told !== null) reactions.push(now - told);
    told = null;
  });
  const answers = new MutationObserver(() => { told ??= performance.now(); });
  hamster.observe(document.querySelector("#hamster"), { subtree: true, attributeFilter: ["d", "transform"] });
  answers.observe(document.querySelector("#overlay"), { attributeFilter: ["data-boxes"] });
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, length));
  const took = performance.now() - start;
  hamster.disconnect();
  answers.disconnect();
  const gaps = drawn.slice(1).map((at, i) => at - drawn[i]);
  const p95 = (times) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? NaN;
  const fps = (drawn.length * 1000) / took;
  return { fps, frame: p95(gaps), reaction: p95(reactions), answers: (reactions.length * 1000) / took };
}"""


def measure(page: Page, *, rate: float, seconds: float) -> dict[str, float]:
    """Frames a second, 95th percentiles and CPU time a frame in ms, with the CPU `rate` times slower."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "TaskDuration") * 1000

    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    before = busy()
    figures = page.evaluate(COUNT, seconds * 1000)
    figures["busy"] = (busy() - before) / max(1, figures["fps"] * seconds)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    session.detach()
    return figures


def run(site: SiteProcess, film: Path, options: argparse.Namespace) -> None:
    """Measure without and with throttling, and print both."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        page = browser.new_page(viewport=LAPTOP)
        page.goto(site.url)
        start_camera(page)
        page.wait_for_selector(f'#stage[data-faces="{options.faces}"]')
        if options.mask:
            page.get_by_role("switch", name="Hamster mask").click()
        print(f"{options.faces} face(s), mask {'on' if options.mask else 'off'}")
        titles = ("CPU", "frames/s", "p95 frame", "p95 reaction", "answers/s", "busy/frame")
        print("".join(f"{title:>14}" for title in titles))
        for rate in (1, options.throttle):
            figures = measure(page, rate=rate, seconds=options.seconds)
            print(
                f"{f'1/{rate:g}':>14}{figures['fps']:>14.1f}{figures['frame']:>11.1f} ms"
                f"{figures['reaction']:>11.1f} ms{figures['answers']:>14.1f}{figures['busy']:>11.1f} ms"
            )
        browser.close()


def main() -> int:
    """Start a site, measure, stop it."""
    parser = argparse.ArgumentParser(description="Frames a second of the hamster on the camera page.")
    parser.add_argument("--seconds", type=float, default=8, help="how long each measurement takes")
    parser.add_argument("--throttle", type=float, default=6, help="how many times slower the CPU is made")
    parser.add_argument("--faces", type=int, choices=(1, 2), default=1, help="people before the camera")
    parser.add_argument("--mask", action="store_true", help="with the hamster mask on")
    parser.add_argument("--chromium", default=find_chromium(), help="path of the browser")
    options = parser.parse_args()
    if options.chromium is None:
        print("No Chromium found. Install one, or name it with --chromium.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.y4m"
        write_film(film, two_astronauts(WIDTH + 2 * SWAY, HEIGHT) if options.faces == 2 else None)
        site = SiteProcess(Path(folder))
        site.start()
        try:
            run(site, film, options)
        finally:
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
