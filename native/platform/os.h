// The calls that differ between operating systems, one implementation file each: os_linux.cc,
// os_darwin.cc.
#pragma once

#include <cstddef>
#include <cstdint>

struct stat;

namespace hyperion::os {

// Opens for reading past the page cache; a descriptor, or -1 with errno set.
int open_direct(const char* path);

// When the file was last written to, in nanoseconds.
int64_t written_ns(const struct stat& status);

// Reads bring nothing into the cache but what they ask for. Advice only.
void stop_readahead(int descriptor);

// Forgets cached pages of the range [offset, offset + bytes). Advice only.
void drop_cache(int descriptor, uint64_t offset, uint64_t bytes);

// For each page of a mapping whether it is in memory, in the lowest bit of a byte. False with errno
// set.
bool resident_pages(void* address, size_t bytes, uint8_t* out);

// Asks for huge pages behind [address, address + bytes). Advice only.
void advise_huge_pages(void* address, size_t bytes);

// Binds the calling thread to the index-th of the cores that it may run on. False where that cannot
// be done.
bool pin_thread(size_t index);

// Names the calling thread, for debuggers and `top`. At most 15 characters are kept.
void name_thread(const char* name);

}  // namespace hyperion::os
