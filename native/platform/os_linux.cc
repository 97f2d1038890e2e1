#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "platform/os.h"
#include "platform/process.h"

namespace hyperion {
namespace os {

int open_direct(const char* path) {
  return ::open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
}

int64_t written_ns(const struct stat& status) {
  return static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

void stop_readahead(int descriptor) {
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM);
}

void drop_cache(int descriptor, uint64_t offset, uint64_t bytes) {
  ::posix_fadvise(descriptor, static_cast<off_t>(offset), static_cast<off_t>(bytes),
                  POSIX_FADV_DONTNEED);
}

bool resident_pages(void* address, size_t bytes, uint8_t* out) {
  return ::mincore(address, bytes, out) == 0;
}

void advise_huge_pages(void* address, size_t bytes) {
  ::madvise(address, bytes, MADV_HUGEPAGE);
}

bool pin_thread(size_t index) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || index-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return ::sched_setaffinity(0, sizeof one, &one) == 0;
  }
  return false;
}

void name_thread(const char* name) {
  char kept[16];
  std::snprintf(kept, sizeof kept, "%s", name);
  ::prctl(PR_SET_NAME, kept, 0, 0, 0);
}

}  // namespace os

ProcessMemory process_memory() {
  ProcessMemory memory;
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return memory;
  char line[256];
  unsigned long long kilobytes;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "VmRSS: %llu", &kilobytes) == 1) memory.resident = kilobytes * 1024;
    if (std::sscanf(line, "VmHWM: %llu", &kilobytes) == 1) memory.resident_peak = kilobytes * 1024;
    if (std::sscanf(line, "RssFile: %llu", &kilobytes) == 1) memory.file_backed = kilobytes * 1024;
  }
  std::fclose(file);
  return memory;
}

bool reset_resident_peak() {
  std::FILE* file = std::fopen("/proc/self/clear_refs", "we");
  if (file == nullptr) return false;
  const bool written = std::fputs("5", file) >= 0;
  return std::fclose(file) == 0 && written;
}

}  // namespace hyperion
