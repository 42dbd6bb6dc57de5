"""Sphinx settings of the site; scripts/docs runs it on a copy of this folder, beside pages that docs/site.py has written."""

import os
import re

project = "lindrift"
author = "lindrift developers"
version = release = os.environ.get("LINDRIFT_VERSION", "")
extensions = ["myst_parser", "sphinx.ext.mathjax", "sphinx_gallery.gen_gallery"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["gallery"]
root_doc = "index"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
html_theme = "alabaster"
html_theme_options = {"page_width": "1200px", "body_max_width": "900px", "description": "Non-reciprocal transport in open quantum lattices"}
html_show_sourcelink = False
# A copy of MathJax in the site's folder if there is one: then no page asks another server for anything.
if os.environ.get("LINDRIFT_MATHJAX"):
    mathjax_path = "mathjax/MathJax.js?config=TeX-AMS_CHTML-full"
    mathjax_config = {"tex2jax": {"inlineMath": [["\\(", "\\)"]], "displayMath": [["\\[", "\\]"]]}}

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"\.py",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 60,
    "remove_config_comments": True,
    "plot_gallery": True,
}


def setup(app):
    # Links to files that are no pages of the site, but of the repository, become their text.
    def read(app, name, source):
        source[0] = re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", source[0])
    app.connect("source-read", read)
