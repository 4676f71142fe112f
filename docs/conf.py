from importlib.metadata import version as installed_version

project = "pytest-reqcache"
author = "The pytest-reqcache authors"
copyright = "2026, the pytest-reqcache authors"
release = installed_version("pytest-reqcache")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples"]

html_theme = "furo"
html_title = f"pytest-reqcache {release}"

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
