#include "CSystemShims.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

bool imwa_has_sha256_instructions(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & (1u << 29)) == 0) return false;
  // Shuffles of bytes and blends come with SSE 4.1, which every processor with these instructions has.
  return __builtin_cpu_supports("sse4.1");
}

__attribute__((target("sha,sse4.1"))) void imwa_sha256_blocks(uint32_t *state, const uint32_t *constants,
                                                              const uint8_t *bytes, size_t block_count) {
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  // The instructions take the words of the state as (f, e, b, a) and (h, g, d, c).
  const __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
  __m128i first = _mm_alignr_epi8(abcd, efgh, 8);
  __m128i second = _mm_blend_epi16(efgh, abcd, 0xF0);
  for (; block_count > 0; block_count--, bytes += 64) {
    const __m128i first_before = first, second_before = second;
    __m128i words[4];
#pragma clang loop unroll(full)
    for (int group = 0; group < 16; group++) {
      __m128i *word = &words[group & 3];
      if (group < 4) {
        *word = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * group)), big_endian);
      } else {
        const __m128i last = words[(group + 3) & 3];
        const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*word, words[(group + 1) & 3]),
                                          _mm_alignr_epi8(last, words[(group + 2) & 3], 4));
        *word = _mm_sha256msg2_epu32(sum, last);
      }
      const __m128i keyed = _mm_add_epi32(*word, _mm_loadu_si128((const __m128i *)(constants + 4 * group)));
      second = _mm_sha256rnds2_epu32(second, first, keyed);
      first = _mm_sha256rnds2_epu32(first, second, _mm_shuffle_epi32(keyed, 0x0E));
    }
    first = _mm_add_epi32(first, first_before);
    second = _mm_add_epi32(second, second_before);
  }
  const __m128i abef = _mm_shuffle_epi32(first, 0x1B);
  const __m128i ghcd = _mm_shuffle_epi32(second, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(abef, ghcd, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(ghcd, abef, 8));
}

#else

bool imwa_has_sha256_instructions(void) { return false; }

void imwa_sha256_blocks(uint32_t *state, const uint32_t *constants, const uint8_t *bytes, size_t block_count) {
  (void)state;
  (void)constants;
  (void)bytes;
  (void)block_count;
  __builtin_trap();
}

#endif
