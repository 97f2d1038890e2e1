#include "loading/loader.h"

#include <algorithm>
#include <numeric>

#include "base/format.h"
#include "compute/kernels.h"

namespace hyperion {
namespace {

uint64_t sum_of(const std::vector<StoredPart>& parts) {
  return std::accumulate(
      parts.begin(), parts.end(), uint64_t{0},
      [](uint64_t sum, const StoredPart& part) { return sum + part.layout.bytes; });
}

// A fixed pool without a size takes what the budget allows, or all layers.
LoaderOptions complete(LoaderOptions options, const std::vector<StoredPart>& parts) {
  StrategyConfig& strategy = options.strategy;
  if (strategy.kind == StrategyConfig::Kind::fixed && strategy.initial_pool_size == 0) {
    const uint64_t all = std::max(sum_of(parts), kPageSize);
    strategy.initial_pool_size = std::min(all, options.budget / kPageSize * kPageSize);
  }
  return options;
}

// What a budget must pay for, whatever else is there.
uint64_t smallest_budget(const std::vector<StoredPart>& parts, const StrategyConfig& strategy) {
  uint64_t largest = 0;
  for (const StoredPart& part : parts) {
    const uint64_t bytes = part.layout.bytes;
    if (bytes > 0) largest = std::max(largest, footprint(strategy, bytes, 1));
  }
  return std::max<uint64_t>(largest + overhead(strategy), 1);
}

}  // namespace

Result<std::shared_ptr<Loader>> Loader::create(std::shared_ptr<Model> model,
                                               const std::vector<LoaderLayer>& layers,
                                               const LoaderOptions& options) {
  if (options.io == Io::mapped) {
    return Status(Code::unsupported, "a loader reads its layers; io cannot be 'mmap'");
  }
  std::vector<StoredPart> parts;
  for (const LoaderLayer& layer : layers) {
    for (const uint32_t tensor : layer.tensors) {
      if (Status status = model->check_index(tensor); !status.ok()) return status;
    }
    parts.push_back({layer.name, static_cast<int>(parts.size()), lay_out(*model, layer.tensors)});
  }
  const LoaderOptions completed = complete(options, parts);
  if (Status status = check(completed.strategy); !status.ok()) return status;
  if (Status status = check_access(*model, first_access(*model, options.io)); !status.ok()) {
    return status;
  }
  const uint64_t smallest = smallest_budget(parts, completed.strategy);
  if (smallest > options.budget) return over_budget(smallest, options.budget, smallest);
  std::shared_ptr<Loader> loader(new Loader(std::move(model), std::move(parts), completed));
  if (loader->store_->reader_threads() == 0 || loader->thread_ == nullptr) {
    return Status(Code::out_of_memory, "the operating system refuses another thread");
  }
  if (Status status = loader->memory_.use(completed.strategy); !status.ok()) return status;
  return loader;
}

Loader::Loader(std::shared_ptr<Model> model, std::vector<StoredPart> parts,
               const LoaderOptions& options)
    : model_(std::move(model)),
      options_(options),
      parts_(std::move(parts)),
      smallest_budget_(smallest_budget(parts_, options.strategy)),
      memory_(options.budget, monitor_),
      store_(std::make_unique<LayerStore>(*model_, parts_, memory_,
                                          StoreOptions{.readers = options.readers,
                                                       .prefetch_window = options.prefetch_window,
                                                       .access = first_access(*model_, options.io),
                                                       .adaptive_window = options.adaptive_window,
                                                       .policy = options.policy,
                                                       .threshold = options.threshold,
                                                       .gives_up = options.gives_up},
                                          cancelled_)) {
  memory_.set_reclaim([this] { return store_->reclaim(); });
  thread_ = Thread::start("hyp-loader", [this] { work(); });
}

void Loader::load(uint64_t request, int layer, std::vector<int> ahead, bool pins, Done done) {
  post({request,
        [this, request, layer, ahead = std::move(ahead), pins] {
          return load_now(request, layer, ahead, pins);
        },
        std::move(done)});
}

void Loader::unload(uint64_t request, int layer, Done done) {
  post({request, [this, layer] { return store_->unload(layer); }, std::move(done)});
}

void Loader::clear(uint64_t request, Done done) {
  post({request,
        [this] {
          for (int layer = 0; layer < layers(); ++layer) {
            const Status status = store_->unload(layer);
            if (!status.ok() && status.code() != Code::invalid)
              return status;  // a pinned one stays
          }
          return Status();
        },
        std::move(done)});
}

void Loader::set_budget(uint64_t request, uint64_t bytes, Done done) {
  post({request, [this, bytes] { return set_budget_now(bytes); }, std::move(done)});
}

void Loader::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!stop_) {
      jobs_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  job.done(Status(Code::closed, "the loader is closed"));
}

void Loader::cancel(uint64_t request) {
  Job waiting{};
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [&](const Job& job) { return job.request == request; });
    if (found != jobs_.end()) {
      waiting = std::move(*found);
      jobs_.erase(found);
    } else if (running_ == request) {
      cancelled_ = true;
    } else {
      return;
    }
  }
  if (waiting.done) return waiting.done(Status(Code::cancelled, "the load was cancelled"));
  store_->interrupt();
}

bool Loader::release(uint64_t pin) {
  std::shared_ptr<const Pin> released;
  {
    const std::lock_guard lock(mutex_);
    const auto found = pins_.find(pin);
    if (found == pins_.end()) return false;
    released = std::move(found->second);
    pins_.erase(found);
  }
  released.reset();
  {
    const std::lock_guard lock(mutex_);
    over_ = options_.threshold < 1;
  }
  wake_.notify_one();
  return true;
}

std::shared_ptr<const Loader::Pin> Loader::find(uint64_t pin) const {
  const std::lock_guard lock(mutex_);
  const auto found = pins_.find(pin);
  return found == pins_.end() ? nullptr : found->second;
}

std::span<std::byte> Loader::memory_of(uint64_t pin) const {
  return find(pin)->part.memory();
}

uint64_t Loader::place_of(int layer, uint32_t tensor) const {
  for (const PiecePlace& place : parts_[static_cast<size_t>(layer)].layout.pieces) {
    if (place.piece.tensor == tensor) return place.place;
  }
  return 0;
}

uint64_t Loader::pin_again(uint64_t pin) {
  const std::lock_guard lock(mutex_);
  const auto found = pins_.find(pin);
  if (found == pins_.end()) return 0;
  const std::shared_ptr<const Pin> same = found->second;
  pins_.emplace(next_pin_, same);
  return next_pin_++;
}

Status Loader::values(uint64_t pin, uint32_t tensor, std::span<float> out) {
  const std::shared_lock use(use_mutex_);
  const std::shared_ptr<const Pin> held = find(pin);
  if (held == nullptr) return Status(Code::closed, "the loader is closed");
  const std::byte* bytes = held->part.piece(tensor);
  if (bytes == nullptr) return Status(Code::invalid, "the tensor is not of the pinned layer");
  const Tensor& read = model_->tensors()[tensor];
  if (read.dtype == DType::data) {
    return Status(Code::unsupported,
                  "tensor " + read.name + " is of a type whose values the engine cannot tell");
  }
  const Block block = block_of(read.dtype);
  if (out.size() != read.bytes / block.bytes * block.elements) {
    return Status(Code::invalid, "tensor " + read.name + " has another number of elements");
  }
  kernels().to_f32(bytes, read.dtype, out.size(), out.data());
  return {};
}

void Loader::begin_close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    cancelled_ = true;
  }
  if (store_ != nullptr) store_->interrupt();
  wake_.notify_one();
}

void Loader::close() {
  const std::lock_guard closing(close_mutex_);
  begin_close();
  thread_.reset();
  const std::unique_lock use(use_mutex_);
  {
    const std::lock_guard lock(mutex_);
    pins_.clear();
  }
  store_.reset();
  // What a strategy holds beyond blocks goes too; the default one can always be had.
  (void)memory_.use({});
}

void Loader::work() {
  Job job;
  while (next(job)) {
    Status status = run(job);
    {
      const std::lock_guard lock(mutex_);
      running_ = 0;
      if (stop_ && !status.ok()) status = Status(Code::closed, "the loader is closed");
    }
    job.done(status);
  }
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(jobs_);
  }
  for (const Job& waiting : left) waiting.done(Status(Code::closed, "the loader is closed"));
}

// Waits for a job; gives up layers whose use is over meanwhile. False when the loader is to end.
bool Loader::next(Job& job) {
  Lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stop_ || over_ || !jobs_.empty(); });
    if (stop_) return false;
    if (!over_) break;
    over_ = false;
    lock.unlock();
    store_->thin_out();
    lock.lock();
  }
  job = std::move(jobs_.front());
  jobs_.pop_front();
  running_ = job.request;
  cancelled_ = false;
  return true;
}

Status Loader::run(const Job& job) {
  if (model_->closed()) return Status(Code::closed, "the loader's model is closed");
  return job.work();
}

Status Loader::load_now(uint64_t request, int layer, std::vector<int> ahead, bool pins) {
  if (!began_ && options_.io == Io::automatic) {
    store_->read_by(choose_reading(*model_, options_.readers).access);
  }
  began_ = true;
  std::vector<int> order = {layer};
  std::vector<int> then;
  if (ahead.empty()) {
    for (int next = layer + 1; next < layers(); ++next) order.push_back(next);
    then.resize(parts_.size());
    std::iota(then.begin(), then.end(), 0);
  } else {
    order.insert(order.end(), ahead.begin(), ahead.end());
  }
  store_->begin_pass(std::move(order), then);
  Result<PartPin> pinned = store_->acquire(layer);
  if (pinned.status().code() == Code::over_budget) return refusal(layer);
  if (!pinned.ok()) return pinned.status();
  if (!pins) {
    {
      const PartPin released = std::move(pinned.value());
    }
    store_->thin_out();
    return {};
  }
  auto pin = std::make_shared<const Pin>(Pin{layer, std::move(pinned.value())});
  const std::lock_guard lock(mutex_);
  pins_.emplace(request, std::move(pin));
  return {};
}

Status Loader::set_budget_now(uint64_t bytes) {
  const uint64_t smallest = std::max(smallest_budget_, pinned_bytes());
  const uint64_t before = memory_.budget().limit();
  memory_.set_budget(bytes);
  if (bytes >= smallest && memory_.settle()) return {};
  const uint64_t held = memory_.budget().charged();
  memory_.set_budget(before);
  if (cancelled_) return Status(Code::cancelled, "the change of the budget was cancelled");
  // What nothing can give up while it is held; without that, the largest layer.
  const uint64_t least = bytes < smallest ? smallest : held;
  return over_budget(least, bytes, least);
}

// What the budget pays for layers that cannot be given up.
uint64_t Loader::pinned_bytes() const {
  const StoreReport report = store_->report();
  uint64_t bytes = overhead(options_.strategy);
  for (const LayerReport& layer : report.layers) {
    const bool stays = layer.pins > 0 || (!options_.gives_up && layer.resident_bytes > 0);
    if (stays && layer.bytes > 0) bytes += memory_.footprint(layer.bytes);
  }
  return bytes;
}

// A layer that does not fit beside those that cannot be given up.
Status Loader::refusal(int layer) const {
  const auto& [name, index, layout] = parts_[static_cast<size_t>(layer)];
  const uint64_t budget = memory_.budget().limit();
  const uint64_t smallest = pinned_bytes() + memory_.footprint(layout.bytes);
  const Status status = over_budget(smallest, budget, smallest);
  const char* way_out =
      options_.gives_up ? "; release a pinned layer, or raise the budget"
                        : "; unload a layer, or leave `unload: false` out so that the loader does";
  return Status(Code::over_budget,
                "layer " + name + ": its " + format_bytes(layout.bytes) +
                    " do not fit beside those that stay: " + status.message() + way_out,
                status.details());
}

}  // namespace hyperion
