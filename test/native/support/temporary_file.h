// A file on the disk, of its own for each test program and object.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

namespace hyperion {

// Of `bytes` bytes 0, 1, 2, ..., deleted with this object.
class TemporaryFile {
 public:
  explicit TemporaryFile(size_t bytes) : path_(new_path()) {
    std::vector<unsigned char> page(4096);
    std::iota(page.begin(), page.end(), static_cast<unsigned char>(0));
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    // Page by page, so that the page cache holds pages and no larger pieces.
    for (size_t done = 0; done < bytes; done += page.size()) {
      std::fwrite(page.data(), 1, std::min(page.size(), bytes - done), file);
      std::fflush(file);
    }
    std::fclose(file);
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  static std::string new_path() {
    static int count = 0;
    return testing::TempDir() + "hyperion-test-" + std::to_string(::getpid()) + "-" +
           std::to_string(count++);
  }

  const std::string path_;
};

}  // namespace hyperion
