/* exp, tanh, log and their like for a vector of samples (or for one number, where WIDTH is 1), without branches.

   e^x = 2^k e^r with |r| <= ln 2 / 2: r by Cody and Waite's two-part ln 2, e^r - 1 = r Q(r), with Q of degree 10 of
   least largest error (2e-17 relative). tanh x = t / (t + 2) with t = e^2x - 1, exact near 0 as well.
   log x = e ln 2 + 2 artanh s with s = (m - 1) / (m + 1) for x = 2^e m. Largest errors: a few units in the last place.
   Compile with contraction of a * b + c and without -ffast-math: infinities are meant. */
#include <math.h>
#if WIDTH > 1
typedef double V __attribute__((vector_size(8 * WIDTH)));
typedef long long I __attribute__((vector_size(8 * WIDTH)));
#else
typedef double V;
typedef long long I;
#endif
#define KERNEL static inline __attribute__((always_inline))

KERNEL I bits(V v) { union { V v; I i; } u; u.v = v; return u.i; }
KERNEL V value(I i) { union { V v; I i; } u; u.i = i; return u.v; }
KERNEL V all(double x) { return x - (V){0}; }
#if WIDTH > 1
KERNEL V choose(I c, V a, V b) { return value((c & bits(a)) | (~c & bits(b))); }
KERNEL double add_up(V v) { double s = 0; for (int i = 0; i < WIDTH; i++) s += v[i]; return s; }
KERNEL V vsqrt(V v) { V r; for (int i = 0; i < WIDTH; i++) r[i] = __builtin_sqrt(v[i]); return r; }
#else
KERNEL V choose(int c, V a, V b) { return c ? a : b; }
KERNEL double add_up(V v) { return v; }
KERNEL V vsqrt(V v) { return __builtin_sqrt(v); }
#endif
KERNEL V vmax(V a, V b) { return choose(a > b, a, b); }
KERNEL V vmin(V a, V b) { return choose(a < b, a, b); }
KERNEL V vabs(V a) { return value(bits(a) & 0x7fffffffffffffffLL); }
KERNEL V vstep(V a) { return choose(a > 0.0, all(1), all(0)); }

/* k for which x = k ln 2 + r, as the bits of 2^k, and e^r - 1 */
KERNEL V split(V x, V *two_to_k) {
  const double magic = 6755399441055744.0;
  V t = x * 1.4426950408889634 + magic;
  V k = t - magic;
  V r = x - k * 6.93147180369123816490e-01;
  r = r - k * 1.90821492927058770002e-10;
  *two_to_k = value((bits(t) + 1023) << 52);
  V r2 = r * r, r4 = r2 * r2;
  V a = (1.0 + r * 0.5000000000000006) + r2 * (0.1666666666666667 + r * 0.041666666666573066);
  V b = (0.008333333333326136 + r * 0.001388888893251478) + r2 * (0.00019841269874820627 + r * 2.480150431378554e-05);
  V c = (2.7557255400206422e-06 + r * 2.7626371065696354e-07) + r2 * 2.5105217004720745e-08;
  return r * (a + r4 * (b + r4 * c));
}
KERNEL V vexp(V x) {
  V s, q = split(vmin(vmax(x, all(-708.0)), all(709.0)), &s);
  return choose(x > 709.0, all(INFINITY), s + s * q);
}
KERNEL V vtanh(V x) {
  V s, q = split(vmin(vmax(x + x, all(-40.0)), all(40.0)), &s);
  V t = s * q + (s - 1.0);
  return t / (t + 2.0);
}
KERNEL V vlog(V x) {
  I b = bits(x);
  I e = (b - 0x3fe6a09e667f3bcdLL) >> 52;
  V m = value(b - (e << 52));
  /* the exponent as a number: its bits put below those of 2^52 * 1.5 */
  V k = value(e + bits(all(6755399441055744.0))) - 6755399441055744.0;
  V s = (m - 1.0) / (m + 1.0), z = s * s, z2 = z * z, z4 = z2 * z2;
  V a = (2.0 + z * 0.6666666666666765) + z2 * (0.3999999999930194 + z * 0.2857142876073187);
  V c = (0.22222197047088985 + z * 0.18183632204378253) + z2 * (0.153125141119238 + z * 0.14809857144897);
  V r = k * 6.93147180369123816490e-01 + (s * (a + z4 * c) + k * 1.90821492927058770002e-10);
  r = choose(x < INFINITY, r, x);
  return choose(x > 0.0, r, choose(x == 0.0, all(-INFINITY), all(NAN)));
}
