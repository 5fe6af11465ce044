"""What a notebook shows: HTML without a page around it, static, on paper of its own, in a style that stays inside it.

A notebook has a style of its own for tables and headings. Ours is nested under a selector that counts more than theirs, so
that a formula's table looks the same everywhere.
"""

from __future__ import annotations

from markupsafe import Markup

from symderiv.documents.frame import TEMPLATES, style

PLAIN = """
table {
  display: table; width: auto; margin: 0; border: 0; font-size: inherit; table-layout: auto;
  color: inherit;
}
tr { background: none; border: 0; }
td, th {
  padding: 0; border: 0; background: none; color: inherit; text-align: left; vertical-align: baseline;
  white-space: normal; line-height: inherit; max-width: none;
}
p, ul, ol { margin: .5rem 0; }
svg { max-width: none; }
code { padding: 0; background: none; color: inherit; }
"""
"""What a notebook says about elements, taken back before the style of the pages is laid over it."""
PAPER = """
& {
  display: flow-root; padding: .9rem 1.2rem 1rem; background: var(--paper); color: var(--ink);
  border: 1px solid var(--line); border-radius: 4px; font: 15px/1.55 var(--text, Georgia, "DejaVu Serif", serif);
}
h1 { margin: 0 0 .5rem; font-size: 1.25rem; line-height: 1.3; font-weight: bold; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1.1rem; font-weight: bold; }
h3 { margin: 1.1rem 0 .3rem; font-size: 1rem; font-weight: bold; }
figure { margin: .8rem 0; }
"""
"""Smaller headings than a page has, and a background, since ink that is light in a dark system needs dark paper."""


def scoped(*names: str) -> Markup:
    """The style of a page for a fragment: what a page says of its root is said of the fragment's own element."""
    return _nested(PLAIN + str(style(*names)) + PAPER)


def fragment(content: Markup, kind: str, *styles: str, extra: str = "") -> str:
    """Ready-made markup as a fragment.

    kind: its class; styles, extra: files of style, and rules, for fragments of this kind alone. All fragments of a notebook
    stand in one document, where the style of each reaches the others.
    """
    own = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in styles) + extra
    rules = Markup("@scope (.symderiv) {{ {} }}\n@scope (.{}) {{ {} }}").format(
        scoped(), kind, _nested(own, ":scope" * 4)
    )
    return f'<div class="symderiv {kind}">\n<style>{rules}</style>\n{content}\n</div>\n'


def _nested(rules: str, root: str = ":scope" * 3) -> Markup:
    return Markup(f"{root} {{{rules.replace(':root', '&').replace(':scope', '&')}}}")
