#include "CByteFilters.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// Multiplies the halves of each 128-bit lane so that they stand for bytes further on, and adds those bytes.
__attribute__((target("avx512f,vpclmulqdq"))) static inline __m512i folded(__m512i value, __m512i factors,
                                                                          __m512i next) {
  const __m512i low = _mm512_clmulepi64_epi128(value, factors, 0x00);
  const __m512i high = _mm512_clmulepi64_epi128(value, factors, 0x11);
  return _mm512_ternarylogic_epi64(low, high, next, 0x96);
}

/// The reflected remainders of x^(D+32) and x^(D-32) for lanes that are D bits apart. (Gopal et al. 2009, "Fast CRC
/// computation for generic polynomials using PCLMULQDQ".)
__attribute__((target("avx512f,vpclmulqdq"))) static size_t fold(uint32_t checksum, const uint8_t *bytes,
                                                                size_t byte_count, uint8_t rest[64]) {
  const __m512i over_2048 = _mm512_broadcast_i32x4(_mm_set_epi64x(0x1322d1430, 0x11542778a));
  const __m512i over_512 = _mm512_broadcast_i32x4(_mm_set_epi64x(0x1c6e41596, 0x154442bd4));
  __m512i lanes[4];
  for (int lane = 0; lane < 4; lane++) lanes[lane] = _mm512_loadu_si512(bytes + 64 * lane);
  lanes[0] = _mm512_xor_si512(lanes[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)~checksum)));
  size_t done = 256;
  for (; byte_count - done >= 256; done += 256) {
    for (int lane = 0; lane < 4; lane++) {
      lanes[lane] = folded(lanes[lane], over_2048, _mm512_loadu_si512(bytes + done + 64 * lane));
    }
  }
  __m512i sum = lanes[0];
  for (int lane = 1; lane < 4; lane++) sum = folded(sum, over_512, lanes[lane]);
  _mm512_storeu_si512(rest, sum);
  return done;
}

size_t imwa_crc32_fold(uint32_t checksum, const void *bytes, size_t byte_count, uint8_t rest[64]) {
  // Short pieces do not pay.
  if (byte_count < 1024 || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("vpclmulqdq")) return 0;
  return fold(checksum, bytes, byte_count, rest);
}
#else
size_t imwa_crc32_fold(uint32_t checksum, const void *bytes, size_t byte_count, uint8_t rest[64]) {
  (void)checksum, (void)bytes, (void)byte_count, (void)rest;
  return 0;
}
#endif
