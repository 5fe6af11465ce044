"""What the tests need from the machine. SYMDERIV_ALL_TOOLS=1 (set in CI) turns a missing LaTeX or Chromium into a failure."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("ci")


def _program(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        message = f"needs {names[0]}, which is not installed"
        if os.environ.get("SYMDERIV_ALL_TOOLS"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture
def pdflatex() -> str:
    return _program("pdflatex")


@pytest.fixture(scope="session")
def browser():
    path = _program("chromium", "chromium-browser", "google-chrome")
    from playwright.sync_api import sync_playwright

    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=flags)
        yield launched
        launched.close()
