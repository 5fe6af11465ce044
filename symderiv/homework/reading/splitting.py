r"""The tokens of a formula cut into statements: rows of aligned environments, lists, implications; sides at relation signs.

Relations inside brackets never split. Numbering (`(1)`, `--- (iii)`, `4.`) is taken off, conditions (`i = 1, 2`) and words
become the statement's lead and tail. Two equations set side by side without any separator are left to `gluing`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from symderiv.homework.reading.cursor import match_brackets
from symderiv.homework.reading.tokens import Token, Tokens
from symderiv.homework.reading.words import CONNECTORS

_ROW_ENVIRONMENTS = frozenset(
    "aligned align split gathered gather equation multline eqnarray alignat alignedat flalign displaymath math dmath IEEEeqnarray".split()
)
_NUMBERING = re.compile(r"[-–—.\s]*\(?\s*(?:\d{1,3}|[ivx]{1,5}|[a-z])\s*'?\)?\s*\.?|[-–—.\s]*")
_INDEX = frozenset("i j k l m n s t p q r".split())
_CONDITION = re.compile(r"(?:for|for all|if|when|whenever|with|over|\(for)\b", re.I)
_BEFORE_FRAME = frozenset(("text", "quad", "row", ",", "begin", "&", "{", "rel", "end"))
_CUTTING = frozenset((",", ";", ".", ":", "row", "quad", "nl", "&", "text", "if", "bar"))
_STOPS = frozenset((",", ";", ".", "quad", "row", "&", ":", "nl", '"', "!"))


@dataclass(slots=True)
class Draft:
    """A statement before its sides are parsed: ranges of tokens."""

    sides: list[tuple[int, int]]
    relations: list[str]
    low: int
    high: int
    opening: str = ""
    lead: str = ""
    tail: str = ""

    def has_side(self) -> bool:
        """Whether anything stands on some side."""
        return any(low < high for low, high in self.sides)


@dataclass(slots=True)
class _Segment:
    low: int
    high: int
    before: str
    relations: list[int] = field(default_factory=list)
    words: str = ""


def flatten(tokens: Tokens) -> Tokens:
    """The tokens without the frames of rows: `aligned` and the like, `&`; `: =` becomes one sign."""
    kinds, texts = tokens.kinds, tokens.texts
    if not {"begin", ":", "&", "{"}.intersection(kinds):
        return tokens
    if not (
        {"begin", "end", ":", "&"}.intersection(kinds)
        or any(kind == "{" and (not at or kinds[at - 1] in _BEFORE_FRAME) for at, kind in enumerate(kinds))
    ):
        return tokens
    match = match_brackets(kinds)
    dropped = _frames(kinds, texts, match)
    if not dropped and ":" not in kinds and "&" not in kinds:
        return tokens
    out: list[Token] = []
    gap = False
    joined = -1
    depth_end = 0
    for at, row in enumerate(tokens.rows()):
        kind = row[0]
        if at >= depth_end and match[at] > at and at not in dropped:
            depth_end = match[at]
        top = at >= depth_end
        if at == joined or at in dropped or (top and kind == "&"):
            gap = True
            if kind == "&" and kinds[at - 1] == "&" and at:  # a column of remarks
                out.append(("quad", "", row[2], row[3], True))
            continue
        after = kinds[at + 1] if at + 1 < len(kinds) else ""
        if top and kind == ":" and after == "rel" and texts[at + 1] == "=":
            row, joined = ("rel", ":=", row[2], tokens.ends[at + 1], True), at + 1
        elif top and kind == "rel" and texts[at] == "=" and after == ":":
            row, joined = ("rel", "=:", row[2], tokens.ends[at + 1], True), at + 1
        out.append((*row[:4], True) if gap else row)
        gap = False
    return Tokens(out)


def _frames(kinds: list[str], texts: list[str], match: list[int]) -> set[int]:
    """The places of frames that only arrange rows and stand outside all brackets."""
    dropped: set[int] = set()
    at = 0
    while at < len(kinds):
        kind = kinds[at]
        if kind == "begin" and (
            texts[at] in _ROW_ENVIRONMENTS or (texts[at] == "array" and _is_equations(kinds, match, at))
        ):
            dropped.add(at)
            if match[at] > at:
                dropped.add(match[at])
            if at and kinds[at - 1] in ("lbrace", "{") and match[at - 1] < 0:
                dropped.add(at - 1)
            at += 1
        elif kind == "begin" and texts[at] in ("cases", "dcases") and match[at] > at and _is_system(kinds, match, at):
            dropped.update((at, match[at]))
            at += 1
        elif (
            kind == "{"
            and match[at] > at
            and (at == 0 or kinds[at - 1] in _BEFORE_FRAME)
            and (
                _is_equations(kinds, match, at)
                or _holds_rows(kinds, texts, at)
                or match[at + 1] == match[at] - 1 > at + 1
            )
        ):
            dropped.update((at, match[at]))  # `\\boxed{a = b}`
            at += 1
        elif kind == "end" and texts[at] in _ROW_ENVIRONMENTS:
            dropped.add(at)
            at += 1
        else:
            at = match[at] + 1 if match[at] > at else at + 1
    return dropped


def _holds_rows(kinds: list[str], texts: list[str], at: int) -> bool:
    """Whether braces stand round nothing but rows."""
    while at < len(kinds) and kinds[at] in ("{", "quad", "lbrace"):
        at += 1
    return at < len(kinds) and kinds[at] == "begin" and texts[at] in _ROW_ENVIRONMENTS


def _is_system(kinds: list[str], match: list[int], at: int) -> bool:
    """Whether cases are only a brace before equations."""
    inside = kinds[at + 1 : match[at]]
    first = kinds[:at].count("rel") == 0
    return first and "&" not in inside and inside.count("rel") > inside.count("row") and "text" not in inside


def _is_equations(kinds: list[str], match: list[int], at: int) -> bool:
    """Whether an array has relations in its cells and so is a list of equations."""
    close = match[at] if match[at] > at else len(kinds)
    i = at + 1
    while i < close:
        if kinds[i] == "rel":
            return True
        i = match[i] + 1 if match[i] > i else i + 1
    return False


class Splitter:
    """Splits the flattened tokens of one formula."""

    def __init__(self, tokens: Tokens, match: list[int], plain: bool) -> None:
        self.tokens, self.match, self.plain = tokens, match, plain
        self.kinds, self.texts = tokens.kinds, tokens.texts

    def drafts(self) -> list[Draft]:
        """The statements in order."""
        found: list[Draft] = []
        start = at = 0
        size = len(self.kinds)
        while at < size:
            if self.kinds[at] == "row":
                found += self.row(start, at, bool(found))
                start = at + 1
            at = self.match[at] + 1 if self.match[at] > at else at + 1
        return found + self.row(start, size, bool(found))

    # --- rows ---

    def row(self, low: int, high: int, later: bool) -> list[Draft]:
        """The statements of a row."""
        low, high = self._numbered(low, high)
        if low >= high:
            return []
        aside = self._aside(low, high)
        if aside:
            return self.row(low, aside, later) + self.row(aside + 1, high - 1, True)
        return self._merge(self._segments(low, high), later)

    def _aside(self, low: int, high: int) -> int:
        """Where brackets with a relation in them begin at the end of a plain line (`w = 0.2 (b = 1)`), 0 if there are none.

        `delta = dh (z > 0)` has none: what is not equal there is a factor, 0 or 1.
        """
        if not self.plain or self.kinds[high - 1] != ")":
            return 0
        at = next((i for i in range(high - 2, max(high - 24, low), -1) if self.match[i] == high - 1), 0)
        if at <= low or not self.tokens.gaps[at] or self.kinds[at - 1] in ("mul", "/", "+", "-", "rel", "func", "pow"):
            return 0
        inside = {self.texts[i] for i in range(at + 1, high - 1) if self.kinds[i] == "rel"}
        if inside & {"<", ">", "<=", ">="} and self.kinds[at - 1] != "num":
            return 0
        return at if self._relation_in(at + 1, high - 1) and self._relation_in(low, at) else 0

    def _numbered(self, low: int, high: int) -> tuple[int, int]:
        """Without numbering at either end and without punctuation at the edges."""
        kinds = self.kinds
        while low < high and kinds[low] in _STOPS:
            low += 1
        if low + 2 < high and kinds[low] == "num" and len(self.texts[low]) < 3 and kinds[low + 1] in (".", ")"):
            low += 2
        if low + 2 < high and kinds[low] == "num" and kinds[low + 1] == "quad" and self._relation_in(low + 2, high):
            low += 2
        if (
            self.plain
            and low + 3 < high
            and kinds[low] == "("
            and kinds[low + 2] == ")"
            and self.tokens.gaps[low + 3]
            and kinds[low + 1] in ("name", "num")
        ):
            low += 3
        while True:
            while high > low and kinds[high - 1] in _STOPS:
                high -= 1
            cut = self._number_at_end(low, high)
            if cut == high:
                return low, high
            high = cut

    def _number_at_end(self, low: int, high: int) -> int:
        """Where a number of an equation begins at the end of a row; `high` if there is none."""
        kinds = self.kinds
        if high - low < 3 or kinds[high - 1] != ")":
            return high
        at = next((i for i in range(high - 2, max(high - 6, low), -1) if self.match[i] == high - 1), -1)
        inside = "".join(self.texts[i] or "'" for i in range(at + 1, high - 1))
        if at <= low or not re.fullmatch(r"\d{1,3}[a-z]?|[ivx]{1,5}|[a-z]|\*+|eq\d*|'+", inside.lower()):
            return high
        before = at
        while before > low and kinds[before - 1] in ("-", "dots"):
            before -= 1
        if (
            kinds[before - 1] == "quad"
            or at - before > 1
            or (at > before and kinds[at - 1] == "dots" and kinds[before - 1] not in (",", "+", "-"))
        ):
            return before
        return high

    def _relation_in(self, low: int, high: int) -> bool:
        return any(self.kinds[at] in ("rel", "aug") for at in self._outside(low, high))

    def _outside(self, low: int, high: int) -> list[int]:
        """The places in a range outside all brackets, opening ones included."""
        places = []
        at = low
        while at < high:
            if self.kinds[at] == "if":
                while at < high and self.kinds[at] not in ("else", ";"):
                    at += 1
                continue
            places.append(at)
            at = self.match[at] + 1 if self.match[at] > at else at + 1
        return places

    # --- segments ---

    def _segments(self, low: int, high: int) -> list[_Segment]:
        relations = self._only_relations(low, high)
        if relations is not None:
            return [_Segment(low, high, "", relations)]
        segments: list[_Segment] = []
        current = _Segment(low, low, "")
        places = self._outside(low, high)
        for order, at in enumerate(places):
            kind = self.kinds[at]
            separator = self._separator(at, kind, current, places, order, high)
            if separator:
                if current.high > current.low or current.words:
                    segments.append(current)
                current = _Segment(at + 1, at + 1, separator)
                if kind == "text":
                    segments.append(_Segment(at, at + 1, "text", words=self.texts[at].strip()))
                continue
            if current.high == current.low and kind in ("quad", "nl", "&"):
                continue
            if kind == ":" and current.high > current.low and not current.relations:
                if self._has_relation(places, order + 1):  # `Loss: L = ..`
                    current.words = " ".join(self.texts[i] for i in range(current.low, current.high))
                    segments.append(current)
                    current = _Segment(at + 1, at + 1, ":")
                    continue
                current.relations.append(at)
            if current.high == current.low:
                current.low = at
            if kind in ("rel", "aug"):
                current.relations.append(at)
            current.high = min(self.match[at] + 1, high) if self.match[at] > at else at + 1
        if current.high > current.low:
            segments.append(current)
        return segments

    def _only_relations(self, low: int, high: int) -> list[int] | None:
        """The places of the relations of a range that nothing cuts into several; None if something may."""
        kinds, match = self.kinds, self.match
        relations = []
        at = low
        while at < high:
            kind = kinds[at]
            if kind in _CUTTING:
                return None
            if kind == "rel":
                if self.texts[at] == "=>":
                    return None
                relations.append(at)
            elif kind == "aug":
                relations.append(at)
            at = match[at] + 1 if match[at] > at else at + 1
        return relations

    def _separator(self, at: int, kind: str, current: _Segment, places: list[int], order: int, high: int) -> str:
        """What separator a token is, '' if none."""
        following = places[order + 1] if order + 1 < len(places) else high
        after = self.kinds[following] if following < high else ""
        if kind in (",", ";", "row"):
            return kind
        if kind == "quad":
            # a wide gap before or after a relation or an operator only aligns
            if (
                current.high == current.low
                or after in ("rel", "mul", "+", "", "aug")
                or (after == "-" and not self._dash(following))
            ):
                return ""
            return "" if self.kinds[at - 1] in ("rel", "mul", "+", "-", "/") else "quad"
        if kind == "text":
            if after == "rel" and current.high == current.low and not self._are_connectors(self.texts[at]):
                return ""
            if self.kinds[at - 1] == "rel" and at > current.low and after in ("", ",", "."):
                return ""
            return "text"
        if kind == ".":
            member = (
                order + 1 < len(places)
                and not self.tokens.gaps[at]
                and not self.tokens.gaps[following]
                and after in ("name", "func")
            )
            return "" if member else "."
        if (
            self.plain
            and kind == "bar"
            and current.relations
            and self.tokens.gaps[at]
            and following < high
            and self.tokens.gaps[following]
        ):
            return ";"  # `x = 1  |  y = 2`
        if kind == "rel" and self.texts[at] == "=>" and current.relations and self._has_relation(places, order + 1):
            return "=>"
        return ""

    def _dash(self, at: int) -> bool:
        """Whether a minus after a wide gap begins a remark, not a term."""
        return at + 1 < len(self.kinds) and self.kinds[at + 1] in ("text", "-")

    def _has_relation(self, places: list[int], order: int) -> bool:
        for at in places[order:]:
            if self.kinds[at] in ("rel", "aug"):
                return self.texts[at] != "=>"
            if self.kinds[at] in (",", ";", "quad", "text"):
                return False
        return False

    def _are_connectors(self, text: str) -> bool:
        words = re.findall(r"[A-Za-z]+", text.lower())
        return all(word in CONNECTORS for word in words)

    # --- statements ---

    def _merge(self, segments: list[_Segment], later: bool) -> list[Draft]:
        """Statements from segments: lists stay together, conditions and words become tails and leads."""
        found: list[Draft] = []
        words = ""
        tailing = False
        index = 0
        while index < len(segments):
            segment = segments[index]
            index += 1
            if segment.words:
                if not re.fullmatch(_NUMBERING, segment.words):
                    if found and _CONDITION.match(segment.words):
                        tailing = True
                        found[-1].tail = f"{found[-1].tail} {segment.words}".strip()
                    else:
                        tailing = False
                        words = f"{words} {segment.words}".strip()
                continue
            if segment.relations:
                if found and (tailing or self._is_condition(segment, found[-1])):
                    tailing = True
                    self._add_tail(found[-1], segment)
                    continue
                found.append(self._draft(segment.low, segment.high, segment.relations, words))
                words, tailing = "", False
                continue
            if tailing and found:
                self._add_tail(found[-1], segment)
                continue
            index = self._without_relation(segments, index, found, words)
            words = "" if found and not words.strip() else ("" if found and found[-1].lead == words else words)
        if words and found:
            found[-1].tail = f"{found[-1].tail} {words}".strip()
        return found

    def _without_relation(self, segments: list[_Segment], index: int, found: list[Draft], words: str) -> int:
        """Place a segment that has no relation; returns the index of the next segment to look at."""
        segment = segments[index - 1]
        following = segments[index] if index < len(segments) else None
        last = found[-1] if found else None
        if (
            segment.before == ","
            and last is not None
            and last.relations
            and not self._begins_list(segments, index - 1, last)
        ):
            last.sides[-1] = (last.sides[-1][0], segment.high)
            last.high = segment.high
            return index
        run = index
        while following is not None and following.before == "," and not following.words:
            if following.relations:
                if not self._is_list_left(segments, index - 1, run):
                    break
                found.append(self._draft(segment.low, following.high, following.relations, words))
                return run + 1
            run += 1
            following = segments[run] if run < len(segments) else None
        if last is not None and segment.before in ("quad", "text") and last.relations:
            self._add_tail(last, segment)
            return index
        if run > index:  # a bare list
            segment = _Segment(segment.low, segments[run - 1].high, segment.before)
            index = run
        if any(
            self.kinds[at] not in ("mul", "+", "-", "/", "rel", "pm", "quad", "nl", "^", "_")
            for at in range(segment.low, segment.high)
        ):
            found.append(Draft([(segment.low, segment.high)], [], segment.low, segment.high, lead=words))
        return index

    def _is_list_left(self, segments: list[_Segment], first: int, run: int) -> bool:
        """Whether `a, b` before a relation is its left side: `a, b = 1, 2`, `a, b \\in R`."""
        if self.texts[segments[run].relations[0]] in ("in", "<", ">", "<=", ">="):
            return True
        right = 1
        for segment in segments[run + 1 :]:
            if segment.before != "," or segment.relations or segment.words:
                break
            right += 1
        return right == run - first + 1

    def _begins_list(self, segments: list[_Segment], index: int, last: Draft) -> bool:
        """Whether a name after a comma begins the left side `a, b = 1, 2` of the next statement."""
        low, high = last.sides[-1]
        if self.kinds[segments[index].low] not in ("name", "greek") or not all(
            self.kinds[at] in ("num", "-", "+") for at in range(low, high)
        ):
            return False
        return any(segment.relations for segment in segments[index + 1 : index + 4] if segment.before == ",")

    def _add_tail(self, draft: Draft, segment: _Segment) -> None:
        source = " ".join(self.texts[at] or self.kinds[at] for at in range(segment.low, segment.high))
        separator = ", " if segment.before == "," and draft.tail else " "
        draft.tail = f"{draft.tail}{separator}{source}".strip()[:300]

    def _is_condition(self, segment: _Segment, last: Draft) -> bool:
        """Whether a relation says for which index the statement before it holds."""
        at = segment.low
        first = segment.relations[0]
        if first - at != 1 or self.kinds[at] != "name" or self.texts[at] not in _INDEX or len(segment.relations) > 1:
            return False
        right = range(first + 1, segment.high)
        if not all(
            self.kinds[i]
            in ("num", "dots", "name", "lbrace", "rbrace", ",", ".", "-", "+", "_", "{", "}", "^", "(", ")", "[", "]")
            for i in right
        ):
            return False
        if any(self.kinds[i] == "num" and "." in self.texts[i] for i in right):
            return False
        depth = 0
        for i in range(last.low, last.high):  # is it used as a script before?
            if self.kinds[i] in ("_", "^"):
                depth = 4
            elif depth:
                depth -= 1
                if self.texts[i] == self.texts[at]:
                    return True
        return bool(last.tail)

    def _draft(self, low: int, high: int, relations: list[int], words: str) -> Draft:
        """A statement from a range with relations."""
        opening = ""
        relations = list(relations)
        start = low
        while relations and relations[0] == start:
            opening = self.texts[start]
            start += 1
            relations.pop(0)
        if opening in ("=>", "->") and relations and any(self.texts[at] != "=>" for at in relations):
            opening = ""  # `=> w = 3` is a statement of its own
            low = start
        tail = ""
        while high > start and self.kinds[high - 1] in ("?", "!"):
            high -= 1
            tail = "?"
        sides: list[tuple[int, int]] = []
        signs: list[str] = []
        at = start
        for place in relations:
            if place >= high:
                break
            if place == at and sides:  # two relation signs in a row: the later one counts
                signs[-1] = self._sign(place)
                at = place + 1
                continue
            sides.append((at, place))
            signs.append(self._sign(place))
            at = place + 1
        if at < high:
            sides.append((at, high))
        elif signs:
            signs.pop()
            tail = tail or "?"
        return Draft([self._trim(*side) for side in sides], signs, low, high, opening, words, tail)

    def _sign(self, place: int) -> str:
        return "aug" + self.texts[place] if self.kinds[place] == "aug" else self.texts[place]

    def _trim(self, low: int, high: int) -> tuple[int, int]:
        while low < high and self.kinds[low] in ("quad", "nl", "&", ",", ";"):
            low += 1
        while (low < high and self.kinds[high - 1] in ("quad", "nl", "&", ",", ";", ".", ":")) or (
            high - low > 1 and self._is_full_stop(high - 1)
        ):
            high -= 1
        return low, high

    def _is_full_stop(self, at: int) -> bool:
        r"""Whether a product sign at the end of a side is the writer's full stop (`\cdot`)."""
        return self.kinds[at] == "mul" and self.texts[at] == "cdot"
