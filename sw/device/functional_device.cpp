// SPDX-License-Identifier: Apache-2.0
#include "sw/device/functional_device.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitloom {
namespace {

class FunctionalDevice final : public Device {
 public:
  FunctionalDevice(std::string name, LoadFunction load)
      : name_(std::move(name)), load_(std::move(load)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }

  LayerId load(const Layer& layer) override {
    Loaded loaded{layer.shape(), layer.served(),
                  std::make_shared<const CallFunction>(load_(layer))};
    const LayerId id{next_layer_++};
    layers_.emplace(id, std::move(loaded));
    return id;
  }

  void unload(LayerId layer) override { layers_.erase(layer); }

  Ticket submit(Call call) override {
    const auto found = layers_.find(call.layer);
    if (found == layers_.end()) throw std::invalid_argument("a call names a layer not loaded");
    check_call(found->second.shape, found->second.served, call);
    const Ticket ticket{next_ticket_++};
    queue_.push_back({ticket, found->second.run, std::move(call)});
    return ticket;
  }

  std::optional<Completion> poll() override {
    if (queue_.empty()) return std::nullopt;
    const Pending next = std::move(queue_.front());
    queue_.pop_front();  // before the work, so that a call that throws does not block those behind
    Completion done;
    done.ticket = next.ticket;
    done.y = (*next.run)(next.call.bits, next.call.acts, next.call.format, done.nan_tokens);
    return done;
  }

 private:
  struct Loaded {
    LayerShape shape;
    std::vector<unsigned> served;
    std::shared_ptr<const CallFunction> run;
  };
  // A call keeps its layer alive, so unloading behind a queued call is safe.
  struct Pending {
    Ticket ticket{};
    std::shared_ptr<const CallFunction> run;
    Call call;
  };

  std::string name_;
  LoadFunction load_;
  std::map<LayerId, Loaded> layers_;
  std::deque<Pending> queue_;
  std::uint64_t next_layer_ = 0;
  std::uint64_t next_ticket_ = 0;
};

}  // namespace

std::unique_ptr<Device> make_functional_device(std::string name, LoadFunction load) {
  return std::make_unique<FunctionalDevice>(std::move(name), std::move(load));
}

}  // namespace bitloom
