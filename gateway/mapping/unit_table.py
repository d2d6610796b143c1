"""The table of units: what each one measures, its exact size, and its terms in other systems.

A heading ``## quantity: type = dimension`` names the quantity in plain words and, where there is one, its semantic type
in DTDL v3. Units of one dimension can be converted into each other. Where none is given it is the quantity; ``alone``
says that each unit under the heading is one that cannot be converted. The columns are

    symbol, size, UNECE code, UCUM term, DTDL unit, other spellings

with ``-`` for none and `` | `` between spellings. The size is what one unit is in the SI's unit (a plain number where
the SI has none). ``a*b/c`` is computed exactly; what follows ``+`` is where the unit's zero lies. The terms are those
of UNECE Recommendation 20 (as used by OPC UA Part 8, section 5.6.3), UCUM, and DTDL v3's extension QuantitativeTypes.
"""

from __future__ import annotations

_ELECTRIC = """
## voltage: Voltage
V         1         VLT  V     volt       volt | volts | Volt | Volts | V AC | V DC | VAC | VDC
uV        1e-6      D82  uV    microvolt
mV        1e-3      2Z   mV    millivolt
kV        1e3       KVT  kV    kilovolt   KV
MV        1e6       B78  MV    megavolt
## current: Current
A         1         AMP  A     ampere     ampere | Ampere | amps | Amp | Amps | A AC | A DC
nA        1e-9      C39  nA    -
uA        1e-6      B84  uA    microampere
mA        1e-3      4K   mA    milliampere
kA        1e3       B22  kA    kiloampere KA
## power: Power
W         1         WTT  W     watt       watt | watts | Watt | Watts | W AC | W DC
uW        1e-6      D80  uW    microwatt
mW        1e-3      C31  mW    milliwatt
kW        1e3       KWT  kW    kilowatt   KW | kilowatt | kilowatts
MW        1e6       MAW  MW    megawatt
GW        1e9       A90  GW    gigawatt
kJ/h      1e3/3600  P20  kJ/h  kilojoulePerHour
MJ/h      1e6/3600  -    MJ/h  megajoulePerHour
GJ/h      1e9/3600  -    GJ/h  gigajoulePerHour
BTU/h     1055.05585262/3600  2I  [Btu_IT]/h  britishThermalUnitPerHour  Btu/h
kBTU/h    1055055.85262/3600  -   k[Btu_IT]/h kiloBritishThermalUnitPerHour
kcal/h    4186.8/3600         -   kcal_IT/h   -
TR        12000*1055.05585262/3600  -  -      tonOfRefrigeration
hp        550*0.3048*0.45359237*9.80665  BHP  [HP]  horsepower
PS        75*9.80665          HJ  -           -  metric hp
## apparent power: ApparentPower
VA        1         D46  V.A   voltAmpere      V.A
kVA       1e3       KVA  kV.A  kilovoltAmpere  KVA | kV.A
MVA       1e6       MVA  MV.A  megavoltAmpere  MV.A
## reactive power: ReactivePower
var       1         D44  V.A{reactive}   voltAmpereReactive      Var | VAr | VAR
kvar      1e3       KVR  kV.A{reactive}  kilovoltAmpereReactive  kVar | kVAr | kVAR | KVAR
Mvar      1e6       MAR  MV.A{reactive}  megavoltAmpereReactive  MVar | MVAr | MVAR
## charge: ElectricCharge
Ah        3600      AMH  A.h   ampereHour       AH | A.h
mAh       3.6       E09  mA.h  milliampereHour  mAH | mA.h
kAh       3600e3    TAH  kA.h  -                kAH | kA.h
## resistance: Resistance
ohm       1         OHM  Ohm   ohm      ohms | Ohm | Ohms
uohm      1e-6      B94  uOhm  -        uOhm
mohm      1e-3      E45  mOhm  milliohm mOhm
kohm      1e3       B49  kOhm  kiloohm  kOhm
Mohm      1e6       B75  MOhm  megaohm  MOhm
Gohm      1e9       A87  GOhm  -        GOhm
## resistivity
ohm.m     1         C61  Ohm.m   -
Mohm.cm   1e4       -    MOhm.cm -
## conductance
S         1         SIE  S     -        siemens
## conductivity
S/m       1         D10  S/m   -
mS/cm     0.1       H61  mS/cm -
uS/cm     1e-4      G42  uS/cm -
## capacitance: Capacitance
uF        1e-6      4O   uF    microfarad
nF        1e-9      C41  nF    nanofarad
pF        1e-12     4T   pF    picofarad
## inductance: Inductance
mH        1e-3      C14  mH    millihenry
uH        1e-6      B90  uH    microhenry
## magnetic flux density
mT        1e-3      C29  mT    -
uT        1e-6      D81  uT    -
## electric field strength
V/m       1         D50  V/m   -
kV/m      1e3       B55  kV/m  -
## frequency: Frequency
Hz        1         HTZ  Hz    hertz     HZ | hertz
mHz       1e-3      MTZ  mHz   millihertz
kHz       1e3       KHZ  kHz   kilohertz
MHz       1e6       MHZ  MHz   megahertz
GHz       1e9       A86  GHz   gigahertz
## rate of change of voltage
V/s       1         H46  V/s   -
## rate of change of current
A/s       1         -    A/s   -
## rate of change of power
W/s       1         -    W/s   -
kW/s      1e3       -    kW/s  -
kW/min    1e3/60    -    kW/min -
MW/min    1e6/60    Q35  MW/min -
## rate of change of frequency
Hz/s      1         -    Hz/s  -
## temperature coefficient of voltage
mV/K      1         D49  mV/K  -  mV/degC
## level = alone
dB        1         2N   dB    -
dBm       1         DBM  -     -  dbm
## sound level: SoundPressure
dB(A)     1         -    -     decibel   dBA
"""

# Apparent and reactive energy, and torque, have the dimension of an energy; nobody who converts them means that.
_ENERGY = """
## energy: Energy
J         1         JOU  J     joule
kJ        1e3       KJO  kJ    kilojoule
MJ        1e6       3B   MJ    megajoule
GJ        1e9       GV   GJ    gigajoule
TJ        1e12      D30  TJ    -
Wh        3600      WHR  W.h   wattHour      WH | W.h
kWh       3600e3    KWH  kW.h  kilowattHour  kwh | Kwh | KWh | KWH | kW.h
MWh       3600e6    MWH  MW.h  megawattHour  MW.h
GWh       3600e9    GWH  GW.h  gigawattHour  GW.h
TWh       3600e12   D32  TW.h  terawattHour  TW.h
BTU       1055.05585262     BTU  [Btu_IT]   britishThermalUnit      Btu
kBTU      1055055.85262     -    k[Btu_IT]  kiloBritishThermalUnit
MMBTU     1055055852.62     -    M[Btu_IT]  -  MMBtu
kcal      4186.8            E14  kcal_IT    -
Gcal      4186.8e6          E11  Gcal_IT    -
## apparent energy: ApparentEnergy
VAh       1         -    V.A.h   voltAmpereHour
kVAh      1e3       C79  kV.A.h  kilovoltAmpereHour  KVAh | KVAH
MVAh      1e6       -    MV.A.h  megavoltAmpereHour
## reactive energy: ReactiveEnergy
varh      1         -    V.A{reactive}.h   voltAmpereReactiveHour      Varh | VArh | VARh
kvarh     1e3       K3   kV.A{reactive}.h  kilovoltAmpereReactiveHour  kVarh | kVArh | kVARh | kvarH | kvar.h
Mvarh     1e6       MAH  MV.A{reactive}.h  megavoltAmpereReactiveHour  MVarh | MVArh | MVARh | Mvar.h
## irradiance: Irradiance
W/m2      1         D54  W/m2    wattPerSquareMetre
kW/m2     1e3       -    kW/m2   -
## irradiation
J/m2      1         B13  J/m2    -
J/cm2     1e4       E43  J/cm2   -
MJ/m2     1e6       -    MJ/m2   -
Wh/m2     3600      -    W.h/m2  -
kWh/m2    3600e3    -    kW.h/m2 -  kW.h/m2
## energy per volume
kWh/m3    3600e3    E46  kW.h/m3 -  kW.h/m3
MJ/m3     1e6       JM   MJ/m3   -
## energy per mass
J/kg      1         J2   J/kg    -
kJ/kg     1e3       B42  kJ/kg   -
MJ/kg     1e6       JK   MJ/kg   -
kWh/t     3600      -    kW.h/t  -
## mass per energy
g/kWh     1e-3/3600e3  -  g/(kW.h)  -
kg/MWh    1/3600e6     -  kg/(MW.h) -
"""

# A temperature is taken as absolute: 20 K are -253.15 degC. A difference of temperatures stays in K.
# A pressure does not say whether it is counted from vacuum or from the air outside; its conversion keeps to that.
_HEAT_AND_PRESSURE = """
## temperature: Temperature
degC      1+273.15            CEL  Cel     degreeCelsius     deg C | celsius | Celsius | Degrees celsius \
| Degrees Celsius | Degrees centigrade | degrees Celsius
degF      5/9+459.67*5/9      FAH  [degF]  degreeFahrenheit  deg F | Fahrenheit
K         1                   KEL  K       kelvin            kelvin | Kelvin
## rate of change of temperature
K/s       1         F12  K/s   -  degC/s
K/min     1/60      F11  K/min -  degC/min
K/h       1/3600    F10  K/h   -  degC/h
## pressure: Pressure
Pa        1         PAL  Pa    pascal       pascal | Па
hPa       1e2       A97  hPa   hectopascal  HPa
kPa       1e3       KPA  kPa   kilopascal   KPa
MPa       1e6       MPA  MPa   -
GPa       1e9       A89  GPa   -
mbar      1e2       MBR  mbar  millibar
bar       1e5       BAR  bar   bar          Bar
atm       101325    ATM  atm   -
psi       0.45359237*9.80665/0.0254/0.0254  PS  [psi]  poundPerSquareInch  PSI | lbf/in2
N/mm2     1e6       C56  N/mm2    -
kgf/cm2   98066.5   E42  kgf/cm2  -
mmHg      13.5951*9.80665         HN   mm[Hg]     millimetresOfMercury  mm Hg
inHg      25.4*13.5951*9.80665    F79  [in_i'Hg]  inchesOfMercury       in Hg
Torr      101325/760              UA   -          -  torr
mmH2O     9.80665                 HP   mm[H2O]    -  mm H2O
cmH2O     98.0665                 H78  cm[H2O]    -  cm H2O
mH2O      9806.65                 N23  m[H2O]     -  m H2O
inH2O     25.4*9.80665            F78  [in_i'H2O] inchesOfWater  in H2O
ftH2O     304.8*9.80665           K24  -          -  ft H2O
## viscosity
Pa.s      1         C65  Pa.s   -
mPa.s     1e-3      C24  mPa.s  -
cP        1e-3      C7   cP     -
## kinematic viscosity
m2/s      1         S4   m2/s   -
mm2/s     1e-6      C17  mm2/s  -
cSt       1e-6      4C   cSt    -
"""

# A gallon, a barrel and a ton are named with their country: they are many.
# A normal or standard volume of gas is an amount; its state (0 or 15 degC, ...) is not known here.
_SPACE_AND_MASS = """
## length: Length
m         1         MTR  m     metre       meter | meters | metre | metres
um        1e-6      4H   um    micrometre
mm        1e-3      MMT  mm    millimetre
cm        1e-2      CMT  cm    centimetre
dm        1e-1      DMT  dm    -
km        1e3       KMT  km    kilometre
in        0.0254    INH  [in_i]   inch     inch
ft        0.3048    FOT  [ft_i]   foot
yd        0.9144    YRD  [yd_i]   -
mi        1609.344  SMI  [mi_i]   mile     mile | miles
nmi       1852      NMI  [nmi_i]  nauticalMile  n mile
## area: Area
m2        1         MTK  m2    squareMetre
mm2       1e-6      MMK  mm2   squareMillimetre
cm2       1e-4      CMK  cm2   squareCentimetre
km2       1e6       KMK  km2   squareKilometre
ha        1e4       HAR  har   hectare
in2       0.0254*0.0254  INK  [sin_i]  squareInch
ft2       0.3048*0.3048  FTK  [sft_i]  squareFoot
## volume: Volume
m3        1         MTQ  m3    cubicMetre
mm3       1e-9      MMQ  mm3   -
cm3       1e-6      CMQ  cm3   cubicCentimetre
dm3       1e-3      DMQ  dm3   -
l         1e-3      LTR  L     litre       L | litre | litres | liter | liters
ul        1e-9      4G   uL    -           uL
ml        1e-6      MLT  mL    millilitre  mL
cl        1e-5      CLT  cL    -           cL
dl        1e-4      DLT  dL    -           dL
hl        1e-1      HLT  hL    -           hL
in3       0.0254*0.0254*0.0254      INQ  [cin_i]   cubicInch
ft3       0.3048*0.3048*0.3048      FTQ  [cft_i]   cubicFoot
gal(US)   231*0.0254*0.0254*0.0254  GLL  [gal_us]  gallon  gal (US) | US gal
gal(UK)   4.54609e-3                GLI  [gal_br]  -       gal (UK)
bbl(US)   42*231*0.0254*0.0254*0.0254  BLL  [bbl_us]  -    barrel (US)
## normal volume
Nm3       1         NM3  -     -
Nl        1e-3      -    -     -  NL
## standard volume
Sm3       1         SM3  -     -
## mass: Mass
g         1e-3      GRM  g     gram        gram
ug        1e-9      MC   ug    microgram
mg        1e-6      MGM  mg    milligram
kg        1         KGM  kg    kilogram    Kg
t         1e3       TNE  t     tonne       tonne
lb        0.45359237        LBR  [lb_av]    massPound  lbs
oz        0.45359237/16     ONZ  [oz_av]    -
ton(US)   2000*0.45359237   STN  [ston_av]  -  ton (US)
ton(UK)   2240*0.45359237   LTN  [lton_av]  -  ton (UK)
## density and concentration: Density
kg/m3     1         KMQ  kg/m3  kilogramPerCubicMetre
g/m3      1e-3      A93  g/m3   gramPerCubicMetre
mg/m3     1e-6      GP   mg/m3  milligramPerCubicMetre
ug/m3     1e-9      GQ   ug/m3  microgramPerCubicMetre
g/cm3     1e3       23   g/cm3  -
t/m3      1e3       D41  t/m3   -
kg/l      1e3       B35  kg/L   -  kg/L
g/l       1         GL   g/L    -  g/L
mg/l      1e-3      M1   mg/L   -  mg/L
ug/l      1e-6      H29  ug/L   -  ug/L
lb/ft3    0.45359237/0.3048/0.3048/0.3048  87  [lb_av]/[cft_i]  -
## mass per normal volume
mg/Nm3    1         -    -      -
## mass per mass
g/kg      1e-3      -    g/kg   -
mg/kg     1e-6      NA   mg/kg  -
## mass per area
g/m2      1e-3      GM   g/m2   -
kg/m2     1         28   kg/m2  -
## mass per length
g/m       1e-3      GF   g/m    -
kg/m      1         KL   kg/m   -
tex       1e-6      D34  tex    -
## amount of substance
mol       1         C34  mol    -
umol      1e-6      FH   umol   -
mmol      1e-3      C18  mmol   -
kmol      1e3       B45  kmol   -
## amount per volume
mol/m3    1         C36  mol/m3 -
mol/l     1e3       C38  mol/L  -  mol/L
mmol/l    1         M33  mmol/L -  mmol/L
umol/l    1e-3      -    umol/L -  umol/L
"""

# rpm, 1/min and 1/s are all used for the speed of a shaft and become each other. Hz does not: a drive's 50 Hz is the
# frequency of its current, and a motor with two pairs of poles turns 1500 times a minute then, not 3000. Nor do rad/s
# and deg/s: 1/s counts revolutions at a shaft and radians in an angular frequency, which is 6.28 times as much.
_MOTION = """
## speed: Velocity
m/s       1         MTS  m/s    metrePerSecond      mps
mm/s      1e-3      C16  mm/s   -
cm/s      1e-2      2M   cm/s   centimetrePerSecond
m/min     1/60      2X   m/min  -
mm/min    1e-3/60   H81  mm/min -
mm/h      1e-3/3600 H67  mm/h   -
m/h       1/3600    M60  m/h    metrePerHour
km/h      1e3/3600  KMH  km/h   kilometrePerHour    kmh
in/s      0.0254    IU   [in_i]/s    -
ft/s      0.3048    FS   [ft_i]/s    -
ft/min    0.3048/60 FR   [ft_i]/min  -
mi/h      1609.344/3600  HM  [mi_i]/h  milePerHour  mph | mile/h
knot      1852/3600      KNT [kn_i]    knot         knots
## acceleration: Acceleration
m/s2      1         MSK  m/s2   metrePerSecondSquared
mm/s2     1e-3      M41  mm/s2  -
gn        9.80665   K40  [g]    gForce
## rotational speed: AngularVelocity = rate
rpm       1/60      RPM  {rev}/min  revolutionPerMinute  RPM | r/min | rev/min | U/min | Upm
rps       1         RPS  {rev}/s    revolutionPerSecond  r/s | rev/s
## rate = rate
1/s       1         C97  /s     -  s-1
1/min     1/60      C94  /min   -  min-1
1/h       1/3600    H10  /h     -  h-1
## rate of pieces
pcs/s     1         -    {piece}/s    -
pcs/min   1/60      -    {piece}/min  -
pcs/h     1/3600    -    {piece}/h    -
## angular velocity: AngularVelocity
rad/s     1         2A   rad/s  radianPerSecond
deg/s     pi/180    E96  deg/s  degreePerSecond
## angle: Angle
deg       pi/180    DD   deg    degreeOfArc  Decimal degrees
rad       1         C81  rad    radian
mrad      1e-3      C25  mrad   -
gon       pi/200    A91  gon    -
rev       pi*2      M44  circ   turn
## force: Force
N         1         NEW  N      newton
mN        1e-3      C20  mN     -
kN        1e3       B47  kN     -
MN        1e6       B73  MN     -
kgf       9.80665   B37  kgf    -
lbf       0.45359237*9.80665  C78  [lbf_av]  pound
## force per length
N/m       1         4P   N/m    -
N/mm      1e3       F47  N/mm   -
kN/m      1e3       N31  kN/m   -
## torque: Torque
Nm        1         NU   N.m    newtonMetre  N.m
mNm       1e-3      D83  mN.m   -            mN.m
Ncm       1e-2      F88  N.cm   -            N.cm
kNm       1e3       B48  kN.m   -            kN.m
lbf.ft    0.3048*0.45359237*9.80665  M92  [lbf_av].[ft_i]  -
lbf.in    0.0254*0.45359237*9.80665  F21  [lbf_av].[in_i]  -
## volume flow: VolumeFlowRate
m3/h      1/3600    MQH  m3/h   cubicMetrePerHour
m3/min    1/60      G53  m3/min cubicMetrePerMinute
m3/s      1         MQS  m3/s   cubicMetrePerSecond
m3/d      1/86400   G52  m3/d   -
l/h       1e-3/3600 E32  L/h    litrePerHour    L/h
l/min     1e-3/60   L2   L/min  litrePerMinute  L/min
l/s       1e-3      G51  L/s    litrePerSecond  L/s
hl/h      1e-1/3600 -    hL/h   -               hL/h
ml/h      1e-6/3600 G55  mL/h   millilitrePerHour    mL/h
ml/min    1e-6/60   41   mL/min millilitrePerMinute  mL/min
ml/s      1e-6      40   mL/s   millilitrePerSecond  mL/s
ft3/min   0.3048*0.3048*0.3048/60    2L  [cft_i]/min  cubicFootPerMinute
ft3/h     0.3048*0.3048*0.3048/3600  2K  [cft_i]/h    -
gal(US)/min  231*0.0254*0.0254*0.0254/60     G2   [gal_us]/min  gallonPerMinute  gal (US)/min | gal (US) /min
gal(US)/h    231*0.0254*0.0254*0.0254/3600   G50  [gal_us]/h    gallonPerHour    gal (US)/h
gal(UK)/min  4.54609e-3/60                   G3   [gal_br]/min  -                gal (UK)/min | gal (UK) /min
bbl(US)/d    42*231*0.0254*0.0254*0.0254/86400  B1  [bbl_us]/d  -                barrel (US)/d
## normal volume flow
Nm3/h     1/3600    Q40  -      -
Nm3/min   1/60      -    -      -
Nl/h      1e-3/3600 -    -      -  NL/h
Nl/min    1e-3/60   -    -      -  NL/min
## standard volume flow
Sm3/h     1/3600    Q38  -      -
Sm3/d     1/86400   Q37  -      -
## mass flow: MassFlowRate
kg/h      1/3600    E93  kg/h   kilogramPerHour
kg/min    1/60      F31  kg/min -
kg/s      1         KGS  kg/s   kilogramPerSecond
g/h       1e-3/3600 F27  g/h    gramPerHour
g/min     1e-3/60   F28  g/min  -
g/s       1e-3      F29  g/s    gramPerSecond
t/h       1e3/3600  E18  t/h    -
t/d       1e3/86400 L71  t/d    -
lb/h      0.45359237/3600  4U   [lb_av]/h    massPoundPerHour
lb/min    0.45359237/60    K78  [lb_av]/min  -
"""

# Pieces and cycles are numbers too, but of something: they do not become percent.
# RelativeHumidity, Concentration or RelativeDensity: % and 1 do not say which.
_TIME_COUNT_AND_LIGHT = """
## time: TimeSpan
ns        1e-9      C47  ns     nanosecond
us        1e-6      B98  us     microsecond
ms        1e-3      C26  ms     millisecond   mSecs | Millisecs | millisecond | milliseconds
s         1         SEC  s      second        sec | secs | Sec | Secs | second | seconds | Seconds
min       60        MIN  min    minute        minute | minutes
h         3600      HUR  h      hour          hour | hours
d         86400     DAY  d      day           day | days
week      604800    WEE  wk     -             weeks | wk
year      31557600  ANN  a      year          years
## ratio
1         1         C62  1      unity         cos() | cos phi | count
%         1e-2      P1   %      percent       Pct | percent | %RH | %, RH
permille  1e-3      NX   [ppth] -             ‰
## concentration: Concentration = ratio
ppm       1e-6      59   [ppm]  partsPerMillion
ppb       1e-9      61   [ppb]  partsPerBillion
## rate of change of a ratio
%/s       1e-2      -    %/s    -  %/sec
%/min     1e-2/60   -    %/min  -
## number of pieces
pcs       1         H87  {piece}  -  pieces | piece
## number of cycles
cycle     1         B7   {cycle}  -  cycles
## number per volume
1/m3      1         C86  /m3    -  m-3
1/cm3     1e6       H50  /cm3   -  cm-3
## acidity = alone
pH        1         Q30  [pH]   -
## turbidity = alone
NTU       1         NTU  {NTU}  -
FNU       1         FNU  {FNU}  -
## extract = alone
degBx     1         J18  -      -
degP      1         PLA  -      -
## illuminance: Illuminance
lx        1         LUX  lx     lux      lux
klx       1e3       KLX  klx    -
## luminous flux: LuminousFlux
lm        1         LUM  lm     lumen    lumen
## luminous intensity: LuminousIntensity
cd        1         CDL  cd     candela
## luminance: Luminance
cd/m2     1         A24  cd/m2  candelaPerSquareMetre
## amount of data: DataSize
bit       1         A99  bit    bit
byte      8         AD   By     byte     bytes
kB        8e3       2P   kBy    -        kbyte
MB        8e6       4L   MBy    -        Mbyte
GB        8e9       E34  GBy    -        Gbyte
KiB       8*1024    E64  KiBy   kibibyte    Kibyte
MiB       8*1048576    E63  MiBy  mebibyte  Mibyte
GiB       8*1073741824 E62  GiBy  gibibyte  Gibyte
## data rate: DataRate
bit/s     1         B10  bit/s  bitPerSecond   bps
kbit/s    1e3       C74  kbit/s -              kbps
Mbit/s    1e6       E20  Mbit/s -              Mbps
Gbit/s    1e9       B80  Gbit/s -              Gbps
byte/s    8         P93  By/s   bytePerSecond
kB/s      8e3       P94  kBy/s  -              kbyte/s
MB/s      8e6       P95  MBy/s  -              Mbyte/s
## dose: IonizingRadiationDose
mSv       1e-3      C28  mSv    millisievert
uSv       1e-6      -    uSv    microsievert
## dose rate
mSv/h     1e-3      P71  mSv/h  -
uSv/h     1e-6      P72  uSv/h  -
## activity per volume
Bq/m3     1         A19  Bq/m3  -
Bq/l      1e3       -    Bq/L   -  Bq/L
"""

TABLES = (_ELECTRIC, _ENERGY, _HEAT_AND_PRESSURE, _SPACE_AND_MASS, _MOTION, _TIME_COUNT_AND_LIGHT)
