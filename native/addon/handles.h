// Objects of the engine as numbers in JavaScript. A number is never given out twice, so a stale one
// finds nothing instead of another object.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace hyperion::addon {

// For the thread of one environment.
template <typename T>
class HandleTable {
 public:
  // `kind`, below 4, keeps the handles of different tables apart.
  explicit HandleTable(uint64_t kind) : kind_(kind) {}

  double add(std::shared_ptr<T> object) {
    if (free_.empty()) {
      free_.push_back(slots_.size());
      slots_.emplace_back();
    }
    const uint64_t index = free_.back();
    free_.pop_back();
    slots_[index].object = std::move(object);
    return static_cast<double>(((slots_[index].generation << kIndexBits | index) << kKindBits) |
                               kind_);
  }

  // Null for a handle that is not, or no longer, in the table.
  std::shared_ptr<T> find(double handle) const {
    const Slot* slot = slot_of(handle);
    return slot == nullptr ? nullptr : slot->object;
  }

  // The same, borrowed for this call.
  T* get(double handle) const {
    const Slot* slot = slot_of(handle);
    return slot == nullptr ? nullptr : slot->object.get();
  }

  // Takes the object out; null as find().
  std::shared_ptr<T> remove(double handle) {
    Slot* slot = const_cast<Slot*>(slot_of(handle));
    if (slot == nullptr) return nullptr;
    ++slot->generation;
    free_.push_back(static_cast<uint64_t>(slot - slots_.data()));
    return std::move(slot->object);
  }

  std::vector<std::shared_ptr<T>> all() const {
    std::vector<std::shared_ptr<T>> objects;
    for (const Slot& slot : slots_) {
      if (slot.object != nullptr) objects.push_back(slot.object);
    }
    return objects;
  }

 private:
  static constexpr uint64_t kKindBits = 2;
  static constexpr uint64_t kIndexBits = 20;

  struct Slot {
    std::shared_ptr<T> object;
    uint64_t generation = 1;
  };

  const Slot* slot_of(double handle) const {
    if (!(handle >= 0 && handle < 0x1p53)) return nullptr;
    const auto bits = static_cast<uint64_t>(handle);
    const uint64_t index = (bits >> kKindBits) & ((1ull << kIndexBits) - 1);
    const uint64_t generation = bits >> (kKindBits + kIndexBits);
    if (static_cast<double>(bits) != handle || (bits & ((1ull << kKindBits) - 1)) != kind_ ||
        index >= slots_.size() || slots_[index].generation != generation ||
        slots_[index].object == nullptr) {
      return nullptr;
    }
    return &slots_[index];
  }

  const uint64_t kind_;
  std::vector<Slot> slots_;
  std::vector<uint64_t> free_;
};

}  // namespace hyperion::addon
