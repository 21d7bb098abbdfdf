"""Every link inside the documentation site leads somewhere, and every function of the library is on it.

    site_links.py SITE_DIRECTORY SYMBOLS.txt
"""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("id", "name"):
            if attributes.get(name):
                self.anchors.add(attributes[name])
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])


def main():
    site, symbols = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    pages = {path: Page(path) for path in site.glob("*.html")}
    checked, broken = 0, []
    for path, page in pages.items():
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or link.startswith(("javascript:", "//")):
                continue
            checked += 1
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or (parts.fragment and target in pages and parts.fragment not in pages[target].anchors):
                broken.append(f"{path.name}: {link}")
    for line in sorted(set(broken)):
        print(line)
    if broken:
        sys.exit("these links of the documentation lead nowhere")
    header = (site / "astensor_8h.html").read_text(encoding="utf-8")
    for symbol in symbols.read_text().split():
        if f">{symbol}</a>" not in header:
            sys.exit(f"{symbol} is not in the documentation")
    if checked < 1000:
        sys.exit(f"the site has only {checked} links")
    print(f"documentation: {len(pages)} pages, {checked} links")


main()
