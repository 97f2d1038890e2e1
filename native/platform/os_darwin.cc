#include <fcntl.h>
#include <mach/mach.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/os.h"
#include "platform/process.h"
#include "platform/read_ring.h"

namespace hyperion {
namespace os {

int open_direct(const char* path) {
  const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) ::fcntl(descriptor, F_NOCACHE, 1);
  return descriptor;
}

int64_t written_ns(const struct stat& status) {
  return static_cast<int64_t>(status.st_mtimespec.tv_sec) * 1'000'000'000 + status.st_mtimespec.tv_nsec;
}

void stop_readahead(int descriptor) {
  ::fcntl(descriptor, F_RDAHEAD, 0);
}

// There is no call for it; buffered reads there leave their pages in the cache until the system
// wants them.
void drop_cache(int, uint64_t, uint64_t) {}

bool resident_pages(void* address, size_t bytes, uint8_t* out) {
  return ::mincore(address, bytes, reinterpret_cast<char*>(out)) == 0;
}

void advise_huge_pages(void*, size_t) {}

bool pin_thread(size_t) {
  return false;
}

void name_thread(const char* name) {
  ::pthread_setname_np(name);
}

}  // namespace os

ProcessMemory process_memory() {
  ProcessMemory memory;
  mach_task_basic_info info;
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  if (::task_info(mach_task_self(), MACH_TASK_BASIC_INFO, reinterpret_cast<task_info_t>(&info),
                  &count) == KERN_SUCCESS) {
    memory.resident = info.resident_size;
    memory.resident_peak = info.resident_size_max;
  }
  return memory;
}

bool reset_resident_peak() {
  return false;
}

Result<std::unique_ptr<ReadRing>> ReadRing::create(size_t) {
  return Status(Code::unsupported, "io_uring is Linux's; this operating system has none");
}

}  // namespace hyperion
