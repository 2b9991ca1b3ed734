# expect: engine.error
package souk.domains.mallory

import rego.v2

_s0 := input.resource.name

_s1 := replace(_s0, "o", "oo")

_s2 := replace(_s1, "o", "oo")

_s3 := replace(_s2, "o", "oo")

_s4 := replace(_s3, "o", "oo")

_s5 := replace(_s4, "o", "oo")

_s6 := replace(_s5, "o", "oo")

_s7 := replace(_s6, "o", "oo")

_s8 := replace(_s7, "o", "oo")

_s9 := replace(_s8, "o", "oo")

_s10 := replace(_s9, "o", "oo")

_s11 := replace(_s10, "o", "oo")

_s12 := replace(_s11, "o", "oo")

_s13 := replace(_s12, "o", "oo")

_s14 := replace(_s13, "o", "oo")

_s15 := replace(_s14, "o", "oo")

_s16 := replace(_s15, "o", "oo")

_s17 := replace(_s16, "o", "oo")

_s18 := replace(_s17, "o", "oo")

_s19 := replace(_s18, "o", "oo")

_s20 := replace(_s19, "o", "oo")

_s21 := replace(_s20, "o", "oo")

_s22 := replace(_s21, "o", "oo")

_s23 := replace(_s22, "o", "oo")

_s24 := replace(_s23, "o", "oo")

_s25 := replace(_s24, "o", "oo")

_s26 := replace(_s25, "o", "oo")

_s27 := replace(_s26, "o", "oo")

_s28 := replace(_s27, "o", "oo")

_s29 := replace(_s28, "o", "oo")

_s30 := replace(_s29, "o", "oo")

_s31 := replace(_s30, "o", "oo")

_s32 := replace(_s31, "o", "oo")

_s33 := replace(_s32, "o", "oo")

_s34 := replace(_s33, "o", "oo")

_s35 := replace(_s34, "o", "oo")

_s36 := replace(_s35, "o", "oo")

_s37 := replace(_s36, "o", "oo")

_s38 := replace(_s37, "o", "oo")

_s39 := replace(_s38, "o", "oo")

_s40 := replace(_s39, "o", "oo")

allow contains {"code": "x", "message": "x"} if count(_s40) > 0
