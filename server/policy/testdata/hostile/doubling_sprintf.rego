# expect: engine.error
package souk.domains.mallory

import rego.v2

_s0 := input.resource.name

_s1 := sprintf("%s%s", [_s0, _s0])

_s2 := sprintf("%s%s", [_s1, _s1])

_s3 := sprintf("%s%s", [_s2, _s2])

_s4 := sprintf("%s%s", [_s3, _s3])

_s5 := sprintf("%s%s", [_s4, _s4])

_s6 := sprintf("%s%s", [_s5, _s5])

_s7 := sprintf("%s%s", [_s6, _s6])

_s8 := sprintf("%s%s", [_s7, _s7])

_s9 := sprintf("%s%s", [_s8, _s8])

_s10 := sprintf("%s%s", [_s9, _s9])

_s11 := sprintf("%s%s", [_s10, _s10])

_s12 := sprintf("%s%s", [_s11, _s11])

_s13 := sprintf("%s%s", [_s12, _s12])

_s14 := sprintf("%s%s", [_s13, _s13])

_s15 := sprintf("%s%s", [_s14, _s14])

_s16 := sprintf("%s%s", [_s15, _s15])

_s17 := sprintf("%s%s", [_s16, _s16])

_s18 := sprintf("%s%s", [_s17, _s17])

_s19 := sprintf("%s%s", [_s18, _s18])

_s20 := sprintf("%s%s", [_s19, _s19])

_s21 := sprintf("%s%s", [_s20, _s20])

_s22 := sprintf("%s%s", [_s21, _s21])

_s23 := sprintf("%s%s", [_s22, _s22])

_s24 := sprintf("%s%s", [_s23, _s23])

_s25 := sprintf("%s%s", [_s24, _s24])

_s26 := sprintf("%s%s", [_s25, _s25])

_s27 := sprintf("%s%s", [_s26, _s26])

_s28 := sprintf("%s%s", [_s27, _s27])

_s29 := sprintf("%s%s", [_s28, _s28])

_s30 := sprintf("%s%s", [_s29, _s29])

_s31 := sprintf("%s%s", [_s30, _s30])

_s32 := sprintf("%s%s", [_s31, _s31])

_s33 := sprintf("%s%s", [_s32, _s32])

_s34 := sprintf("%s%s", [_s33, _s33])

_s35 := sprintf("%s%s", [_s34, _s34])

_s36 := sprintf("%s%s", [_s35, _s35])

_s37 := sprintf("%s%s", [_s36, _s36])

_s38 := sprintf("%s%s", [_s37, _s37])

_s39 := sprintf("%s%s", [_s38, _s38])

_s40 := sprintf("%s%s", [_s39, _s39])

allow contains {"code": "x", "message": "x"} if count(_s40) > 0
