/* exp, tanh, log and their like for a vector of samples (or for one number, where WIDTH is 1), without branches.

   e^x = 2^k e^r with |r| <= ln 2 / 2: r by Cody and Waite's two-part ln 2, e^r - 1 = r Q(r), with Q of degree 10 of
   least largest error (2e-17 relative). tanh x = t / (t + 2) with t = e^2x - 1, exact near 0 as well.
   log x = e ln 2 + 2 artanh s with s = (m - 1) / (m + 1) for x = 2^e m. Largest errors: a few units in the last place.
   Compile without -ffast-math: infinities are meant. */
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
/* a b + c: for one number explicitly, rounded once where the machine can; for vectors the compiler joins them */
#if WIDTH == 1 && defined(__FP_FAST_FMA)
KERNEL V fma_(V a, V b, V c) { return __builtin_fma(a, b, c); }
#else
KERNEL V fma_(V a, V b, V c) { return a * b + c; }
#endif
KERNEL V vmax(V a, V b) { return choose(a > b, a, b); }
KERNEL V vmin(V a, V b) { return choose(a < b, a, b); }
KERNEL V vabs(V a) { return value(bits(a) & 0x7fffffffffffffffLL); }
KERNEL V vstep(V a) { return choose(a > 0.0, all(1), all(0)); }

/* k for which x = k ln 2 + r, as the bits of 2^k, and e^r - 1 */
KERNEL V split(V x, V *two_to_k) {
  const double magic = 6755399441055744.0;
  V t = fma_(x, all(1.4426950408889634), all(magic));
  V k = t - magic;
  V r = fma_(k, all(-6.93147180369123816490e-01), x);
  r = fma_(k, all(-1.90821492927058770002e-10), r);
  *two_to_k = value((bits(t) + 1023) << 52);
  V r2 = r * r, r4 = r2 * r2;
#define PAIR(a, b) fma_(r, all(b), all(a))
  V a = fma_(r2, PAIR(0.1666666666666667, 0.041666666666573066), PAIR(1.0, 0.5000000000000006));
  V b = fma_(r2, PAIR(0.00019841269874820627, 2.480150431378554e-05), PAIR(0.008333333333326136, 0.001388888893251478));
  V c = fma_(r2, all(2.5105217004720745e-08), PAIR(2.7557255400206422e-06, 2.7626371065696354e-07));
  return r * fma_(r4, fma_(r4, c, b), a);
}
#if WIDTH == 1
/* A single number waits for each operation in turn: 2^(j/128) from a table, and a shorter Q, leave fewer of them. */
static double root[128];
__attribute__((constructor)) static void fill_root(void) {
  for (int j = 0; j < 128; j++) root[j] = exp2(j / 128.0);
}
KERNEL V vexp(V x) {
  if (__builtin_expect(!(x <= 709.0 && x > -708.0), 0)) return x > 0 ? INFINITY : x < 0 ? 0.0 : x;
  const double magic = 6755399441055744.0;
  V t = fma_(x, 184.6649652337873, magic);
  V k = t - magic;
  V r = fma_(k, -5.41521234481479e-03, x);
  r = fma_(k, -3.309782317038503e-12, r);
  I b = bits(t);
  V s = value(bits(root[b & 127]) + (b >> 7 << 52));
  V r2 = r * r;
  V q = fma_(r2, fma_(r, 1.0 / 6, 0.5), r);
  q = fma_(r2 * r2, fma_(r, 1.0 / 120, 1.0 / 24), q);
  return fma_(s, q, s);
}
#else
KERNEL V vexp(V x) {
  V s, q = split(vmin(vmax(x, all(-708.0)), all(709.0)), &s);
  return choose(x > 709.0, all(INFINITY), fma_(s, q, s));
}
#endif
KERNEL V vtanh(V x) {
  V s, q = split(vmin(vmax(x + x, all(-40.0)), all(40.0)), &s);
  V t = fma_(s, q, s - 1.0);
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
