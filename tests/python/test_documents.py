"""The documents agree with each other: one version everywhere, links with existing targets, settings that parse."""

import importlib.util
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def found(name, pattern):
    match = re.search(pattern, (ROOT / name).read_text(), re.MULTILINE)
    assert match, f"{name} has no {pattern}"
    return match.group(1)


def anchor(heading):
    """GitHub's anchor for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class DocumentsTest(unittest.TestCase):
    def test_one_version(self):
        version = found("CMakeLists.txt", r"^project\(lindrift VERSION ([0-9.]+)")
        self.assertIn('input = "CMakeLists.txt"', (ROOT / "pyproject.toml").read_text())
        self.assertEqual(found("CITATION.cff", r"^version: (\S+)$"), version)
        self.assertEqual(found("CHANGELOG.md", r"^## \[([0-9.]+)\]"), version)
        self.assertEqual(found("CITATION.cff", r"^date-released: (\S+)$"), found("CHANGELOG.md", r"^## \[[0-9.]+\] - (\S+)$"))

    def test_links_lead_somewhere(self):
        documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]
        self.assertGreater(len(documents), 5)
        for document in documents:
            for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, section = target.partition("#")
                path = document.parent / name if name else document
                with self.subTest(document=document.name, target=target):
                    self.assertTrue(path.exists())
                    if section:
                        headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
                        self.assertIn(section, [anchor(heading) for heading in headings])

    def test_figures_in_the_readme_exist(self):
        for name in re.findall(r"lindrift figures (\w+)", (ROOT / "README.md").read_text()):
            self.assertIn(f'@published("{name}"', "".join(path.read_text() for path in ROOT.glob("python/lindrift/*figures.py")))

    @unittest.skipIf(importlib.util.find_spec("yaml") is None, "PyYAML was not found")
    def test_settings_parse(self):
        import yaml

        for path in (".pre-commit-config.yaml", ".github/workflows/ci.yml", "CITATION.cff"):
            with self.subTest(path):
                self.assertIsInstance(yaml.safe_load((ROOT / path).read_text()), dict)


if __name__ == "__main__":
    unittest.main()
