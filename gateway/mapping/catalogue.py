"""The messages that a plant's files can get, by code: what is wrong, what to do, and an example where one helps.

The list in ``mappings/README.md`` is made of this, and ``fieldgate explain`` prints it. A code keeps its meaning.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One code."""

    wrong: str
    remedy: str
    example: str = ""
    """Lines as they are wrong and as they are right."""


_TEXT = """
Y01 | a line is indented with a TAB | use spaces
Y02 | not valid YAML | often a text that needs "quotes", or a bracket that is not closed
Y03 | a setting stands twice | delete or rename one
Y04 | `<<` | use `defaults:` or `extends:`
Y05 | `&name` or `*name` | write it out; put texts that begin so in "quotes"
Y06 | `!tag` | delete it; put texts that begin so in "quotes"
Y07 | a second document after `---` | put it into a file of its own
Y08 | too many blocks inside each other | check indentation and brackets
Y09 | the name of a setting is no text | write `name: value`
Y10 | a character that cannot be seen, or a space or quotes of Word | see the hint
Y11 | a colon without a space after it | `at: 3`
Y12 | warning: a text is cut where a comment begins | "quotes" where the # belongs to the text
F01 | the first line does not say what the file is | `schema: ...`
F02 | an unknown file type | see the hint
F03 | a profile is defined twice (a warning where the other one is bundled) | rename one
F04 | the schema is of another kind of file | correct it, or rename the file
F05 | warning: a YAML file is not read, its name does not say what it is | rename it
F06 | a file cannot be read: no UTF-8, larger than 8 MB, no permission, no file | see the hint
F07 | profiles extend each other in a circle | take one `extends:` away
F08 | the profile to extend does not exist | see the hint
P01 | there is no such folder | `fieldgate init`
P02 | it is no folder | name the folder
P03 | a folder cannot be read | permissions
P04 | the folder is empty | `fieldgate init`
P05 | there is no gateway.yaml | name the right folder, or write one
P06 | there are no devices | write a file `*.devices.yaml`
P07 | the bundled profiles are missing | install Fieldgate again
P08 | the folder holds too much to be a plant | name the plant's own folder
M01 | an unknown setting | see the hint
M02 | a setting is missing | add it
M03 | not one of the allowed words | see the hint
M04 | not a whole number | `72` or `0x0048`
M05 | a number with a leading zero | `52`, or `0x52` for hexadecimal
M06 | not a number | `0.1`
M07 | a decimal comma | write a point
M08 | neither true nor false | `true`
M09 | not a time | `500ms`, `5s`, `10min`, `1h`
M10 | not a Bluetooth address | six pairs: `"CB:B8:33:4C:88:4F"`
M11 | a deadband without number or unit | `0.5 V` or `1 %`
M12 | an unknown unit | `fieldgate units`; own units go into `units.yaml`
M13 | too small or too large | see the sentence
M14 | a block of settings is empty, or something else stands there | indent its settings below it
M15 | not a list | `[0, 10]`
M16 | not a text | write it on the same line
M17 | a list of the wrong length | `[0, 10]`
M18 | not a valid name | small letters, digits, `-` and `_`
M19 | not a size | `500 MB`, `20 GB`, `2 GiB`
M20 | a setting without a value | write it, or delete the line
M21 | not the name of a host | without `https://` and port
M22 | there is no adapter for the protocol | install it, or correct the name
M23 | a secret stands in the file | `{secret: NAME}`, then `fieldgate secret set PLANT NAME`
M24 | warning: a number that is a thousand times as much in some countries | `1000`, or `1`
R01 | a point's name is not allowed | see the hint
R02 | both `scale` and `divide` | keep one
R03 | `scale` or `divide` is 0 | leave it out
R04 | warning: one text stands for two codes | give each its own
R05 | a deadband or a bound in another unit than the value | write it in the value's unit
R06 | the first number of a range is not the smaller one | turn them round
R07 | warning: a counter with a deadband loses its last increments | `deadband: 0`, or none
R08 | two points have one name | rename one
R09 | a setting that means nothing for this type | leave it out
R10 | `as` cannot be made of `unit` | see the hint
R11 | settings that exclude each other: `enum`, `flags`, `scale` | keep one
R12 | `rollover` of what is no counter | `kind: counter`
R13 | a `repeat` that cannot be written out | `{i: 1..24, step: 2}`, and `{i}` in the name
R14 | a value that may be written is no text of the enum | see the hint
R15 | `write:` of what can only be read | leave it out, or correct the address
R16 | warning: any number may be written | `write: {range: [0, 60]}`
X01 | a formula cannot be read | see the hint; the column is that of the mistake
X02 | something that no formula may do | + - * / % ( ), comparisons, and or not, if else, min max abs round sqrt
X03 | a formula names a point that does not exist | see the hint
X04 | a derived point needs itself | take one of them out of its formula
X05 | a formula without a point | name one
X06 | warning: a formula compares the texts of an `enum` with what they never are | compare with one of the texts
N01 | a spelling of a unit is taken | give it another one
N02 | an unknown unit as base | see the hint
N03 | a unit whose factor is 0 | write how many of the base one of it is
N04 | a unit is defined by itself | name another base
A01 | an asset's path has not as many parts as there are levels | write one part for each level
A02 | an asset is defined twice | delete one
A03 | two files have different `levels:` | delete one
D01 | a device is defined twice | delete or rename one
D02 | there is no such profile | see the hint
D03 | there is no such asset | see the hint
D04 | `connect:` lacks the address for the profile's protocol | add it
D05 | two devices have the same address | correct one
D06 | `security` and `mode` do not belong together | see the hint
D07 | warning: the connection is not encrypted | `mode: SignAndEncrypt`
D08 | `change:` or `without:` names a point that does not exist | see the hint
D09 | two devices have the same identity | give each its own
D10 | a text is taken from a point that the device has not | see the hint
D11 | the profile has no such variant | see the hint
D12 | devices of one line differ in what the line has once: baud, certificate | write the same at all of them
D13 | warning: two lines go to one port | write the same kind of line at both
D14 | warning: `record:` of a device whose adapter cannot read again what was recorded | leave it out
G01 | warning: a file with root certificates is not there yet | put it there before `fieldgate run`
G02 | not exactly one upstream | keep one
G03 | warning: a secret is not set | `fieldgate secret set`
G04 | warning: such devices cannot be read yet | they are judged, exported and planned
G05 | warning: a setting of the buffer that has no effect yet | leave it in: it will
B01 | not a Modbus number | 0xxxx, 1xxxx, 3xxxx or 4xxxx
B02 | the number belongs to another table | correct one of the two
B03 | number 0: with `numbering: number` the first register is 1 | see the hint
B04 | warning: an offset that looks like a manual's number | `numbering: number`, or `note: offset checked`
B05 | a string or bytes without `length` | 16 characters are `length: 8`
B06 | a coil or discrete input that is not a bool | `type: bool`
B07 | a register outside 0..65535 | correct `at`
B08 | bits that the type has not | correct `bits` or `type`
B09 | a `nan` value does not fit into the type, or is minus zero | write the raw register value
B10 | there is no point to take the scale factor from | see the hint
B11 | warning: an order that has no effect | leave it out
B12 | warning: two points overlap | check `at` and `type` of both
B13 | not the address of a Modbus device | `tcp://10.20.0.15:502`
B14 | unit id 0 | write the id that is set at the device
B15 | both `at` and `registers`, or registers that do not make the type | see the hint
B16 | more registers than one request can read | read it as several points
B17 | warning: `byte` without an 8-bit type | `type: uint8`
B18 | a `length` that the type cannot have | see the hint
B19 | warning: a serial port whose name may change after a reboot | its name under `/dev/serial/by-id`
B20 | settings of a line that do not go together | see the hint
B21 | a point in a range that is `forbidden` for its device | take it out, or make the range smaller
B22 | not an object of the identification, or a point in two places (`at`, `registers`, `object`, `file`) | see the hint
B23 | warning: a `listen://` line whom anybody may call | `from: 10.20.0.15`
U01 | not an OPC UA node id | `"m;s=Filler01.Speed"`, `"nsu=http://acme.example/;i=1023"`, `"i=2258"`
U02 | warning: a namespace by its index | put its URI under `namespaces:`
U03 | a namespace that is not listed | add it to `namespaces:`
U04 | not the address of an OPC UA server | `opc.tcp://10.20.0.30:4840`
U05 | warning: a deprecated security policy | Basic256Sha256 or newer
U06 | half a user | `{name: ..., password: {secret: ...}}`
U07 | warning: a password without encryption | `mode: SignAndEncrypt`
U08 | not a valid name or URI of a namespace | see the hint
L01 | not a range of bits | `5..15`
L02 | a bit outside the type | bits count from 0
L03 | `match:` does not say where the points are | one of company, service, name
L04 | not a row of bytes | `"0201"`
L05 | not a Bluetooth UUID or characteristic | see the hint
L06 | an object that the decoder does not know | see the hint
L07 | a setting that means nothing for this decoder | leave it out
L08 | a `length` is missing or wrong | number of bytes
I01 | import: not a type | see the hint; `--type` for all
I02 | import, warning: reserved registers, or a range longer than its type, skipped | nothing, or write the row by hand
I03 | import: a scale column that can be meant in two ways | `--divide` or `--multiply`
I04 | import: the file cannot be read as a table | save it again as XLSX or CSV
I05 | import: no column of addresses was found | `--column address=C`
I06 | import: an address is missing or cannot be one | correct the cell
I07 | import: offsets or manual numbers? (a warning where the list itself is clear) | `--numbering`
I08 | import, warning: a name stands twice | rename one
I09 | import, warning: an unknown unit | it stands in the point's note
I10 | import, warning: texts of an enum that cannot be read | add `enum:` by hand
I11 | import: a number that cannot be read, or in two ways | correct the cell
I12 | import: a width, length or bit that does not fit | correct the cell, or `--strings`
I13 | import: which table is not clear (a warning where holding was taken) | `--table`
I14 | import: a byte order that is not clear | `--order`
I15 | import, warning: a row that is no register | nothing
I16 | import: the words of the call do not fit the file | see the hint
I17 | import, warning: something of a row is not taken over | see the sentence
I18 | import, warning: a sheet without registers | `--column address=...`
I20 | import: this is no such file | see the sentence
I21 | import: something is missing in it | see the sentence
I22 | import: something in it has no meaning | see the sentence
I23 | import: it cannot be said in the mapping language | see the sentence
I24 | import, warning: a setting is not taken over | nothing
I25 | import, warning: it is done differently here | see the hint
I26 | import, warning: an unknown unit | add `unit:` by hand
I27 | import, warning: a password is never taken over | `fieldgate secret set`
I28 | import, warning: a name stands twice | rename one
I29 | import, warning: a namespace by its index | put its URI under `namespaces:`
I30 | import: how often a group repeats is not known | `--repeat` or `--length`
E01 | export: a device that cannot be said there is left out | nothing
E02 | export, warning: something cannot be said there | see the sentence
E03 | export, warning: a password or a key has to be given by hand | give it in the other program
T03 | a number that can hardly be meant, where another order gives one that can | `order:`
"""

_EXAMPLES = """
== M02
points:
  power: {unit: W}               # wrong
  power: {at: 0x0034, unit: W}   # right
== M07
scale: 0,1   # wrong
scale: 0.1   # right
== M09
every: 60    # wrong
every: 60s   # right
== M11
deadband: 0.5     # wrong
deadband: 0.5 V   # right
deadband: 1 %     # right
== M12
unit: kwhr   # wrong
unit: kWh    # right
== M23
password: hunter2               # wrong
password: {secret: filler-01}   # right
== R02
{scale: 0.1, divide: 10}   # wrong: a tenth of a tenth?
{divide: 10}               # right
== R05
{unit: kW, deadband: 0.5 V}   # wrong
{unit: kW, deadband: 500 W}   # right: it is converted
== R07
{kind: counter, deadband: 1 kWh}   # the last kilowatt hour is never seen
{kind: counter, deadband: 0}       # every change is
== R13
cell: {at: 100, repeat: {i: 1..24, step: 2}}       # wrong: all are called so
cell_{i}: {at: 100, repeat: {i: 1..24, step: 2}}   # right: cell_1 at 100, cell_2 at 102, ...
== X03
derived:
  mean: {expr: (voltage_l1 + voltage_l4) / 2}   # wrong: there is no voltage_l4
  mean: {expr: (voltage_l1 + voltage_l2) / 2}   # right
== X06
mode: {at: 3, enum: {0: manual, 1: automatic}}
setpoint: {at: 20, when: mode == 1}             # never true: mode gives texts
setpoint: {at: 20, when: mode == 'automatic'}   # right
== B04
numbering: offset
points:
  power: {at: 40053}                         # the 53rd holding register? then: numbering: number
  power: {at: 40053, note: offset checked}   # or really the offset 40053
== B05
name: {at: 10, type: string}              # wrong
name: {at: 10, type: string, length: 8}   # right: 16 characters
== B22
{object: maker}                 # wrong
{object: vendor_name}           # right
{file: 4, at: 7}                # wrong: a register, or a record?
{file: 4, record: 7}            # right
== B11
{type: uint16, order: CDAB}   # one register has no order of registers
{type: uint32, order: CDAB}   # two have
== U02
node: "ns=2;s=Speed"   # 2 can be another namespace tomorrow
namespaces: {m: "urn:acme:filler"}
node: "m;s=Speed"      # always the same
== D05
connect: {modbus: "tcp://10.20.0.15:502", unit_id: 1}   # the same for two devices: one of them is wrong
"""


def _entries() -> dict[str, Entry]:
    rows = [[part.strip() for part in line.split(" | ")] for line in _TEXT.strip().splitlines()]
    examples = dict(part.split("\n", 1) for part in _EXAMPLES.strip().removeprefix("== ").split("\n== "))
    return {code: Entry(wrong, remedy, examples.get(code, "").strip("\n")) for code, wrong, remedy in rows}


ENTRIES: dict[str, Entry] = _entries()
"""By code, in the order in which a file is read."""


def table() -> str:
    """All of them as a table in Markdown."""
    rows = [f"| {code} | {entry.wrong} | {entry.remedy} |" for code, entry in ENTRIES.items()]
    return "\n".join(["| code | what is wrong | what to do |", "|---|---|---|", *rows])
