# expect: engine.error
package souk.domains.mallory

import rego.v2

_s0 := input.resource.name

_s1 := concat("", [_s0, _s0])

_s2 := concat("", [_s1, _s1])

_s3 := concat("", [_s2, _s2])

_s4 := concat("", [_s3, _s3])

_s5 := concat("", [_s4, _s4])

_s6 := concat("", [_s5, _s5])

_s7 := concat("", [_s6, _s6])

_s8 := concat("", [_s7, _s7])

_s9 := concat("", [_s8, _s8])

_s10 := concat("", [_s9, _s9])

_s11 := concat("", [_s10, _s10])

_s12 := concat("", [_s11, _s11])

_s13 := concat("", [_s12, _s12])

_s14 := concat("", [_s13, _s13])

_s15 := concat("", [_s14, _s14])

_s16 := concat("", [_s15, _s15])

_s17 := concat("", [_s16, _s16])

_s18 := concat("", [_s17, _s17])

_s19 := concat("", [_s18, _s18])

_s20 := concat("", [_s19, _s19])

_s21 := concat("", [_s20, _s20])

_s22 := concat("", [_s21, _s21])

_s23 := concat("", [_s22, _s22])

_s24 := concat("", [_s23, _s23])

_s25 := concat("", [_s24, _s24])

_s26 := concat("", [_s25, _s25])

_s27 := concat("", [_s26, _s26])

_s28 := concat("", [_s27, _s27])

_s29 := concat("", [_s28, _s28])

_s30 := concat("", [_s29, _s29])

_s31 := concat("", [_s30, _s30])

_s32 := concat("", [_s31, _s31])

_s33 := concat("", [_s32, _s32])

_s34 := concat("", [_s33, _s33])

_s35 := concat("", [_s34, _s34])

_s36 := concat("", [_s35, _s35])

_s37 := concat("", [_s36, _s36])

_s38 := concat("", [_s37, _s37])

_s39 := concat("", [_s38, _s38])

_s40 := concat("", [_s39, _s39])

allow contains {"code": "x", "message": "x"} if count(_s40) > 0
