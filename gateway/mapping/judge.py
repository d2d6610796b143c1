"""A block judged by its model: typed settings, or messages of the catalogue at the places of the mistakes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gateway.mapping import characters, synonyms, times
from gateway.mapping.diagnostics import Place, Report, closest
from gateway.mapping.document import NAME, NAME_HINT
from gateway.mapping.load import SPOILED, Block, Items, Node
from gateway.mapping.syntax import no_space
from gateway.values import BY_NAME, looks_like_thousands, names_secret, quote

M = TypeVar("M", bound=BaseModel)


class Owner(NamedTuple):
    """Who has the settings that are judged."""

    name: str
    """As it stands in a sentence: ``"power"``, ``this file``."""
    place: Place
    """Where to say that a setting is missing."""


def judge(
    model: type[M],
    block: Block,
    owner: Owner,
    report: Report,
    *,
    partial: bool = False,
    meant: Collection[str] = (),
    context: Any = None,
) -> M | None:
    """The settings of ``block`` as ``model`` types them; None where something is wrong, which is reported.

    ``partial``: what is missing is not reported; ``meant``: nor these, which were probably misspelled.
    ``context``: what the model's validators need to know.
    """
    fields = names(model)
    settings: dict[str, Node] = {}
    silent: set[str] = set(meant)
    wrong = False
    outside = strays(block, fields)
    for name, value in block.items():
        if name in outside:
            pass  # the empty block that it was meant for is told
        elif name not in fields:
            silent.add(unknown(name, block.keys_at[name], tuple(fields), report, value))
        elif value is None:
            _without_value(name, block.keys_at[name], report, block_wanted=fields[name])
        elif value is not SPOILED:
            settings[name] = value
            continue
        silent.add(name)
        wrong = True
    try:
        judged = model.model_validate(settings, context=context)
    except ValidationError as error:
        entries = error.errors(include_url=False)
        inner = {(*entry["loc"][:-1], _meant(entry, model)) for entry in entries if entry["type"] == "extra_forbidden"}
        for entry in entries:
            loc = entry["loc"]
            # What a model says of all its settings together can be a setting that is missing.
            missing = entry["type"] == "missing" or not loc
            if not missing or not (partial or loc in inner or (loc and loc[0] in silent)):
                _report(entry, model, block, owner, report)
        return None
    _doubt(settings, block, report)
    return None if wrong else judged


def strays(block: Block, fields: Mapping[str, bool]) -> set[str]:
    """Settings that nobody knows and that stand below an empty block: they are not indented.

    ``fields``: those that are known, each with whether it is a block.
    """
    found: set[str] = set()
    empty = False
    for name, value in block.items():
        if name in fields:
            empty = value is None and fields[name]
        elif empty:
            found.add(name)
    return found


def not_indented(block: Block, settings: Collection[str] = ()) -> dict[str, str]:
    """Of blocks by name, those that are none, each with the empty one above that it was meant for.

    ``settings``: names of blocks that such a block can have itself.
    """
    found: dict[str, str] = {}
    empty = ""
    for name, value in block.items():
        if empty and (isinstance(value, str | Items) or name in settings):
            found[name] = empty
        else:
            empty = name if value is None else ""
    return found


_SCALES = ("scale", "divide", "offset", "factor")


def _doubt(settings: Mapping[str, Node], block: Block, report: Report) -> None:
    """Warn of numbers that are a thousand times as much in another country (M24)."""
    for name in _SCALES:
        text = settings.get(name)
        if isinstance(text, str) and looks_like_thousands(text):
            one = text.partition(".")[0]
            hint = f"if {one}000 is meant, write {one}000; if not, write {one}"
            report.warning(block.values_at[name], "M24", f"{quote(text)} is {one}, not {one} thousand", hint)


def _meant(entry: Any, model: type[BaseModel]) -> str:
    *way, name = entry["loc"]
    return closest(str(name), tuple(names(_model_at(model, way))))


@lru_cache(maxsize=256)
def names(model: type[BaseModel]) -> dict[str, bool]:
    """The settings of a model as they are written, in its order, each with whether it is a block."""
    return {
        field.alias or name: get_origin(field.annotation) is dict or _is_model(field.annotation)
        for name, field in model.model_fields.items()
    }


def unknown(name: str, place: Place, allowed: tuple[str, ...], report: Report, value: Node = None) -> str:
    """Report a setting that does not exist (M01, M23); gives the one that was probably meant."""
    close = closest(name, allowed)
    first, _, rest = name.partition(" ")
    if (names_secret(name) or name == "key") and not isinstance(value, Block):
        text = f"{quote(name)} would stand here for everybody to read, and there is no such setting"
        report.error(place, "M23", text, f'did you mean "{close}"? {BY_NAME}' if close else "delete it")
        return close
    if value is None and rest and first in allowed:
        report.error(place, "M01", f"a colon is missing after {quote(first)}", f"write  {first}: {rest}")
        return first
    hint = f'did you mean "{close}"?' if close else f"allowed: {', '.join(allowed)}"
    report.error(place, "M01", f"unknown setting {quote(name)}", hint)
    return close


def child(block: Block, name: str, report: Report) -> Block | None:
    """The block of settings under ``name``; None where there is none, which is reported (M14)."""
    value = block[name]
    if isinstance(value, Block):
        return value
    if value is None:
        _without_value(name, block.keys_at[name], report, block_wanted=True)
    elif value is not SPOILED:
        _no_block(name, value, block.values_at[name], report)
    return None


def describe(value: Any) -> str:
    """What stands there, in words."""
    if isinstance(value, Block):
        return "a block of settings"
    if isinstance(value, Items):
        return "a list"
    return quote(str(value)) if value else "empty"


def _is_model(annotation: Any) -> bool:
    return _model_of(annotation) is not None


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model that a setting is typed as, also where it may be left out (``Secret | None``)."""
    for option in (annotation, *get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _without_value(name: str, place: Place, report: Report, *, block_wanted: bool) -> None:
    if block_wanted:
        text = f'{quote(name)} must be a block of settings ("name: value" lines), but it is empty'
        report.error(place, "M14", text, "check the indentation of the next line")
    else:
        report.error(place, "M20", f"{quote(name)} has no value", "write it after the colon, or delete the line")


def _no_block(name: str, value: Any, place: Place, report: Report) -> None:
    close = no_space(value) if isinstance(value, str) else None
    if close is not None:
        report.error(place, *close)
        return
    if isinstance(value, str) and (index := characters.unseen(value)) >= 0:
        report.error(place._replace(column=place.column + index), *characters.told(value[index]))
        return
    text = f'{quote(name)} must be a block of settings ("name: value" lines), but it is {describe(value)}'
    report.error(place, "M14", text, "write its settings below it, indented by two spaces")


class _Spot(NamedTuple):
    """What pydantic's location of an error points at."""

    name: str
    value: Node
    key_place: Place
    place: Place


def _find(block: Block, loc: Sequence[int | str], owner: Owner) -> _Spot:
    """Walk from the block to what ``loc`` names; as far as it goes where that is not in the file."""
    spot = _Spot(owner.name, block, owner.place, owner.place)
    here: Node = block
    for part in loc:
        if isinstance(here, Block) and isinstance(part, str) and part in here:
            spot = _Spot(quote(part), here[part], here.keys_at[part], here.values_at[part])
        elif isinstance(here, Items) and isinstance(part, int) and part < len(here):
            spot = _Spot(spot.name, here[part], here.values_at[part], here.values_at[part])
        else:
            break
        here = spot.value
    return spot


def _report(entry: Any, model: type[BaseModel], block: Block, owner: Owner, report: Report) -> None:
    kind, loc = entry["type"], entry["loc"]
    if kind == "missing":
        spot = _find(block, loc[:-1], owner)
        report.error(spot.key_place, *_missing(spot.name, loc, model))
        return
    spot = _find(block, loc, owner)
    if spot.value is SPOILED:
        return
    if kind == "extra_forbidden":
        unknown(str(loc[-1]), spot.key_place, tuple(names(_model_at(model, loc[:-1]))), report, spot.value)
    elif spot.value is None:
        report.error(spot.key_place, "M20", f"{spot.name} has no value", "write it after the colon, or delete the line")
    elif kind in ("model_type", "dict_type", "model_attributes_type"):
        _no_block(spot.name.strip('"'), spot.value, spot.place, report)
    elif isinstance(spot.value, str) and (index := characters.unseen(spot.value)) >= 0:
        report.error(spot.place._replace(column=spot.place.column + index), *characters.told(spot.value[index]))
    else:
        place = spot.place
        if loc and loc[-1] == "[key]":
            place = spot.key_place
            spot = _Spot(f"a code of {_find(block, loc[:-2], owner).name}", loc[-2], place, place)
        code, sentence, hint = _wrong(entry, spot, owner)
        if code == "M09":
            hint = _time(loc, model, spot) or hint
        report.error(place, code, sentence, hint)


def _time(loc: Sequence[int | str], model: type[BaseModel], spot: _Spot) -> str:
    field = _model_at(model, loc[:-1]).model_fields.get(str(loc[-1]))
    return times.meant(spot.value, field) if field is not None and isinstance(spot.value, str) else ""


def _missing(owner: str, loc: Sequence[int | str], model: type[BaseModel]) -> tuple[str, str, str]:
    name = str(loc[-1])
    field = _model_at(model, loc[:-1]).model_fields.get(name)
    what = f" ({field.description})" if field is not None and field.description else ""
    return "M02", f'{owner} has no "{name}"{what}', f"add  {name}: ..."


def _model_at(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel]:
    for part in loc:
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        model = (_model_of(field.annotation) if field is not None else None) or model
    return model


def _wrong(entry: Any, spot: _Spot, owner: Owner) -> tuple[str, str, str]:
    """Code, sentence and hint for a value that does not fit."""
    kind: str = entry["type"]
    context: dict[str, Any] = entry.get("ctx", {})
    if kind == "fieldgate":
        text: str = context["text"]
        text = text.replace("{owner}", owner.name.strip('"'), 1).replace("{key}", spot.name, 1)
        return context["code"], text, context["hint"]
    for pattern, sentence in _SENTENCES:
        if re.fullmatch(pattern, kind):
            return sentence(spot, context)
    name, message = spot.name.strip('"'), str(entry["msg"])
    return "M03", f"{describe(spot.value)} is not a valid {name}: {message[:1].lower()}{message[1:]}", ""


def _no_word(spot: _Spot, context: dict[str, Any]) -> tuple[str, str, str]:
    allowed = re.findall("'([^']*)'", context["expected"])
    name, text = spot.name.strip('"'), spot.value if isinstance(spot.value, str) else ""
    meant = synonyms.meant(name, text, allowed) or tuple(filter(None, [closest(text, tuple(allowed))]))
    close = " or ".join(f'"{one}"' for one in meant)
    hint = (f"did you mean {close}? " if close else "") + f"allowed: {', '.join(allowed)}"
    return "M03", f"{describe(spot.value)} is not a valid {name}", hint


def _out_of_range(spot: _Spot, context: dict[str, Any]) -> tuple[str, str, str]:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    word, limit = next((words[bound], context[bound]) for bound in words if bound in context)
    # A time is told as it was written: with its unit.
    shown = f"{limit:g}s" if re.search("[0-9] *(ms|s|min|h|d)$", str(spot.value)) else f"{limit}"
    return "M13", f"{spot.name} is {spot.value}, but it must be {word} {shown}", ""


def _no_list(spot: _Spot, context: dict[str, Any]) -> tuple[str, str, str]:
    example = spot.value if isinstance(spot.value, str) else "1, 2"
    return "M15", f"{spot.name} must be a list, but it is {describe(spot.value)}", f"write [{example}]"


def _too_long(spot: _Spot, context: dict[str, Any]) -> tuple[str, str, str]:
    what = "characters" if isinstance(spot.value, str) else "entries"
    return "M13", f"{spot.name} has more than {context['max_length']} {what}", "shorten it"


def _no_match(spot: _Spot, context: dict[str, Any]) -> tuple[str, str, str]:
    pattern = context["pattern"]
    hint = NAME_HINT if pattern == f"^{NAME.pattern}$" else f"it must match {pattern}"
    name = spot.name.strip('"')
    return "M18", f"{describe(spot.value)} is not a valid {name}", hint


def _must_be(code: str, what: str, hint: str) -> Callable[[_Spot, dict[str, Any]], tuple[str, str, str]]:
    return lambda spot, context: (code, f"{spot.name} must be {what}, but it is {describe(spot.value)}", hint)


_SENTENCES: tuple[tuple[str, Callable[[_Spot, dict[str, Any]], tuple[str, str, str]]], ...] = (
    ("literal_error|enum", _no_word),
    ("(greater|less)_than(_equal)?", _out_of_range),
    ("int_.*", _must_be("M04", "a whole number", "write for example 72 or 0x0048")),
    ("(float|decimal)_.*|finite_number", _must_be("M06", "a number", "write for example 0.1")),
    ("bool_.*", _must_be("M08", "true or false", "write true")),
    ("(list|tuple|set)_type", _no_list),
    ("(string_)?too_long", _too_long),
    ("string_pattern_mismatch", _no_match),
    ("string_type", _must_be("M16", "text", 'write it on the same line, in "quotes" where it holds ": "')),
)
