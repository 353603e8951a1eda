"""C++ in place of two libraries that Verilator's FST writer wants and a machine may not have.

The writer keeps whatever is smaller, the compressed bytes or the plain ones, except for the names of
signals, which are always LZ4. So LZ4 is here, small and greedy; zlib's function offers nothing smaller.
"""

LZ4_HEADER = """// LZ4 block format, https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
#include <cstdint>
#include <cstring>
#include <vector>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

inline int LZ4_compress_default(const char* source, char* target, int size, int) {
  const uint8_t* in = reinterpret_cast<const uint8_t*>(source);
  uint8_t* out = reinterpret_cast<uint8_t*>(target);
  std::vector<int> seen(1 << 12, -1);
  const auto load = [&](int at) { uint32_t four; std::memcpy(&four, in + at, 4); return four; };
  const auto extend = [&](int length) {
    for (length -= 15; length >= 255; length -= 255) *out++ = 255;
    *out++ = static_cast<uint8_t>(length);
  };
  const auto literals = [&](int from, int count, int match) {
    *out++ = static_cast<uint8_t>((count < 15 ? count : 15) << 4 | (match < 15 ? match : 15));
    if (count >= 15) extend(count);
    std::memcpy(out, in + from, count);
    out += count;
  };
  int start = 0;
  for (int at = 0; at + 12 < size;) {  // the last match starts 12 bytes before the end, or earlier
    const uint32_t four = load(at);
    int& slot = seen[(four * 2654435761u) >> 20];
    const int earlier = slot;
    slot = at;
    if (earlier < 0 || at - earlier > 65535 || load(earlier) != four) {
      ++at;
      continue;
    }
    int length = 4;
    while (at + length < size - 5 && in[earlier + length] == in[at + length]) ++length;
    literals(start, at - start, length - 4);
    *out++ = static_cast<uint8_t>(at - earlier);
    *out++ = static_cast<uint8_t>((at - earlier) >> 8);
    if (length - 4 >= 15) extend(length - 4);
    start = at += length;
  }
  literals(start, size - start, 0);
  return static_cast<int>(reinterpret_cast<char*>(out) - target);
}
"""

ZLIB_HEADER = """// Nothing gets smaller: the FST writer then stores the plain bytes.
typedef unsigned char Bytef;
typedef unsigned long uLong;
typedef unsigned long uLongf;
#define Z_OK 0

inline uLong compressBound(uLong size) { return size; }

inline int compress2(Bytef*, uLongf* target_size, const Bytef*, uLong size, int) {
  *target_size = size;
  return Z_OK;
}
"""

HEADERS = {"lz4.h": LZ4_HEADER, "zlib.h": ZLIB_HEADER}
"""By the names under which the writer includes them."""
