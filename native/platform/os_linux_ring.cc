// ReadRing by io_uring: raw system calls and the two queues that the kernel shares with us.
#include <linux/io_uring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "platform/file.h"
#include "platform/read_ring.h"

namespace hyperion {
namespace {

constexpr uint64_t kWake = ~uint64_t{0};  // the token of the read that wake() ends

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  const int number_;
};

// Memory that the kernel shares with us.
class Shared {
 public:
  Shared(int ring, uint64_t what, size_t bytes)
      : bytes_(bytes),
        address_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
                        static_cast<off_t>(what))) {}
  Shared(const Shared&) = delete;
  ~Shared() {
    if (ok()) ::munmap(address_, bytes_);
  }
  bool ok() const { return address_ != MAP_FAILED; }
  template <typename T>
  T* at(size_t offset) const {
    return reinterpret_cast<T*>(static_cast<std::byte*>(address_) + offset);
  }

 private:
  const size_t bytes_;
  void* const address_;
};

size_t queues_bytes(const io_uring_params& sizes) {
  return std::max(sizes.sq_off.array + sizes.sq_entries * sizeof(uint32_t),
                  sizes.cq_off.cqes + sizes.cq_entries * sizeof(io_uring_cqe));
}

class Uring final : public ReadRing {
 public:
  Uring(int ring, const io_uring_params& sizes)
      : ring_(ring),
        wakes_(::eventfd(0, EFD_CLOEXEC)),
        queues_(ring, IORING_OFF_SQ_RING, queues_bytes(sizes)),
        entries_(ring, IORING_OFF_SQES, sizes.sq_entries * sizeof(io_uring_sqe)),
        sizes_(sizes) {}

  bool ok() const { return wakes_.number() >= 0 && queues_.ok() && entries_.ok(); }

  void begin(int descriptor, uint64_t offset, std::span<std::byte> out, uint64_t token) override {
    const uint32_t tail = begun();
    const uint32_t index = tail & (sizes_.sq_entries - 1);
    io_uring_sqe& entry = entries_.at<io_uring_sqe>(0)[index];
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = IORING_OP_READ;
    entry.fd = descriptor;
    entry.addr = reinterpret_cast<uintptr_t>(out.data());
    entry.len = static_cast<uint32_t>(out.size());
    entry.off = offset;
    entry.user_data = token;
    queues_.at<uint32_t>(sizes_.sq_off.array)[index] = index;
    word(sizes_.sq_off.tail).store(tail + 1, std::memory_order_release);
  }

  std::optional<Ended> wait() override {
    for (;;) {
      if (!armed_) arm();
      const uint32_t head = word(sizes_.cq_off.head).load(std::memory_order_relaxed);
      if (begun() == taken() && head != word(sizes_.cq_off.tail).load(std::memory_order_acquire)) {
        const Ended ended = take(head);
        if (ended.token != kWake) return ended;
        armed_ = false;
        return std::nullopt;
      }
      if (enter()) continue;
      if (begun() != taken()) return withdraw();
      sleep_ms(1);  // what is in flight ends without our help
    }
  }

  void wake() override {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wakes_.number(), &one, sizeof one);
  }

 private:
  std::atomic_ref<uint32_t> word(uint32_t offset) const {
    return std::atomic_ref<uint32_t>(*queues_.at<uint32_t>(offset));
  }
  // How many entries were written, and how many of them the kernel has taken.
  uint32_t begun() const { return word(sizes_.sq_off.tail).load(std::memory_order_relaxed); }
  uint32_t taken() const { return word(sizes_.sq_off.head).load(std::memory_order_acquire); }

  void arm() {
    armed_ = true;
    begin(wakes_.number(), 0, std::as_writable_bytes(std::span(&woken_, 1)), kWake);
  }

  // Hands over what was begun and waits until something ends. False when the kernel refuses.
  bool enter() {
    const long count = ::syscall(SYS_io_uring_enter, ring_.number(), begun() - taken(), 1,
                                 IORING_ENTER_GETEVENTS, nullptr, 0);
    return count >= 0 || errno == EINTR || errno == EAGAIN || errno == EBUSY;
  }

  Ended take(uint32_t head) {
    const io_uring_cqe& event =
        queues_.at<io_uring_cqe>(sizes_.cq_off.cqes)[head & (sizes_.cq_entries - 1)];
    const Ended ended = {event.user_data, event.res};
    word(sizes_.cq_off.head).store(head + 1, std::memory_order_release);
    return ended;
  }

  // Takes back what was begun last and never handed over.
  std::optional<Ended> withdraw() {
    const uint32_t tail = begun() - 1;
    const uint64_t token =
        entries_.at<io_uring_sqe>(0)[tail & (sizes_.sq_entries - 1)].user_data;
    word(sizes_.sq_off.tail).store(tail, std::memory_order_release);
    if (token != kWake) return Ended{token, -EIO};
    armed_ = false;
    return std::nullopt;
  }

  const Descriptor ring_;
  const Descriptor wakes_;
  const Shared queues_;
  const Shared entries_;
  const io_uring_params sizes_;
  uint64_t woken_ = 0;
  bool armed_ = false;
};

}  // namespace

Result<std::unique_ptr<ReadRing>> ReadRing::create(size_t depth) {
  io_uring_params sizes{};
  sizes.flags = IORING_SETUP_CLAMP;
  const long ring = ::syscall(SYS_io_uring_setup, depth + 1, &sizes);
  if (ring < 0) {
    return Status(Code::unsupported,
                  std::string("the operating system refuses io_uring: ") + std::strerror(errno));
  }
  auto made = std::make_unique<Uring>(static_cast<int>(ring), sizes);
  constexpr uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_RW_CUR_POS;
  if ((sizes.features & needed) != needed || !made->ok() || sizes.sq_entries <= depth) {
    return Status(Code::unsupported, "the operating system's io_uring is older than Linux 5.6");
  }
  return std::unique_ptr<ReadRing>(std::move(made));
}

}  // namespace hyperion
