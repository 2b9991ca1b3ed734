# expect: engine.error
package souk.domains.mallory

import rego.v2

_s0 := [input.resource.name]

_s1 := array.concat(_s0, _s0)

_s2 := array.concat(_s1, _s1)

_s3 := array.concat(_s2, _s2)

_s4 := array.concat(_s3, _s3)

_s5 := array.concat(_s4, _s4)

_s6 := array.concat(_s5, _s5)

_s7 := array.concat(_s6, _s6)

_s8 := array.concat(_s7, _s7)

_s9 := array.concat(_s8, _s8)

_s10 := array.concat(_s9, _s9)

_s11 := array.concat(_s10, _s10)

_s12 := array.concat(_s11, _s11)

_s13 := array.concat(_s12, _s12)

_s14 := array.concat(_s13, _s13)

_s15 := array.concat(_s14, _s14)

_s16 := array.concat(_s15, _s15)

_s17 := array.concat(_s16, _s16)

_s18 := array.concat(_s17, _s17)

_s19 := array.concat(_s18, _s18)

_s20 := array.concat(_s19, _s19)

_s21 := array.concat(_s20, _s20)

_s22 := array.concat(_s21, _s21)

_s23 := array.concat(_s22, _s22)

_s24 := array.concat(_s23, _s23)

_s25 := array.concat(_s24, _s24)

_s26 := array.concat(_s25, _s25)

_s27 := array.concat(_s26, _s26)

_s28 := array.concat(_s27, _s27)

_s29 := array.concat(_s28, _s28)

_s30 := array.concat(_s29, _s29)

_s31 := array.concat(_s30, _s30)

_s32 := array.concat(_s31, _s31)

_s33 := array.concat(_s32, _s32)

_s34 := array.concat(_s33, _s33)

_s35 := array.concat(_s34, _s34)

_s36 := array.concat(_s35, _s35)

_s37 := array.concat(_s36, _s36)

_s38 := array.concat(_s37, _s37)

_s39 := array.concat(_s38, _s38)

_s40 := array.concat(_s39, _s39)

allow contains {"code": "x", "message": "x"} if count(_s40) > 0
