// SPDX-License-Identifier: Apache-2.0
// The memory as a TLM-2.0 target in front of a memory whose queue is full now and then, which
// "fixed" never is: requests wait, in order, and their ends are told when the memory has taken
// them.
#include "sim/tb/memory_target.hpp"

#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <systemc>
#include <vector>

#include "sim/mem/address_space.hpp"
#include "sim/tb/burst.hpp"

// What the library calls to begin with; the test begins by itself.
int sc_main(int, char**) { return 0; }

namespace bitloom::sim {
namespace {

constexpr Picoseconds kLatency = 10'000;
constexpr std::size_t kQueue = 2;
constexpr unsigned kPorts = 2;

constexpr std::uint64_t kRefused = 0x20;  // mapped

// Takes two requests at a time and answers each of them after its latency, one address as an error.
class TwoAtATime final : public Memory {
 public:
  bool try_issue(const MemoryRequest& request, Picoseconds now) override {
    if (pending_.size() == kQueue) return false;
    requests.push_back(request);
    pending_.push_back({request.tag, now + kLatency, request.address != kRefused});
    return true;
  }
  [[nodiscard]] Picoseconds next_event() const override {
    return pending_.empty() ? kNever : pending_.front().time;
  }
  void completions(Picoseconds now, std::vector<MemoryCompletion>& due) override {
    while (!pending_.empty() && pending_.front().time <= now) {
      due.push_back(pending_.front());
      pending_.pop_front();
    }
  }

  std::vector<MemoryRequest> requests;  // taken

 private:
  std::deque<MemoryCompletion> pending_;
};

// Sends bursts and writes down what comes back.
class Initiator : public sc_core::sc_module {
 public:
  struct Event {
    std::string what;
    std::uint64_t address = 0;
    Picoseconds time = 0;  // with the delay that it is annotated with
    friend bool operator==(const Event&, const Event&) = default;
  };

  explicit Initiator(const sc_core::sc_module_name& name) : sc_module(name) {
    for (unsigned port = 0; port < kPorts; ++port)
      sockets[port].register_nb_transport_bw(this, &Initiator::answer);
  }

  Burst& send(unsigned port, tlm::tlm_command command, std::uint64_t address) {
    Burst& burst = pool_.acquire();
    burst.start(command, 3, address, 1, 8);
    std::fill_n(burst.data.data(), 8, static_cast<std::uint8_t>(address));
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    const tlm::tlm_sync_enum result = sockets[port]->nb_transport_fw(burst, phase, delay);
    const bool taken = result == tlm::TLM_UPDATED && phase == tlm::END_REQ;
    events.push_back({taken ? "taken" : "waits", address, now()});
    return burst;
  }

  tlm::tlm_sync_enum end_response(Burst& burst) {
    tlm::tlm_phase phase = tlm::END_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    return sockets[0]->nb_transport_fw(burst, phase, delay);
  }

  static Picoseconds now() { return sc_core::sc_time_stamp().value(); }

  sc_core::sc_vector<tlm_utils::simple_initiator_socket<Initiator>> sockets{"socket", kPorts};
  std::vector<Event> events;

 private:
  tlm::tlm_sync_enum answer(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                            sc_core::sc_time& delay) {
    const bool response = phase == tlm::BEGIN_RESP;
    events.push_back(
        {response ? "answered" : "taken", payload.get_address(), now() + delay.value()});
    if (!response) return tlm::TLM_ACCEPTED;
    phase = tlm::END_RESP;
    return tlm::TLM_COMPLETED;
  }

  BurstPool pool_;
};

using Event = Initiator::Event;

// SystemC elaborates once in a process, hence one case.
TEST_CASE("Requests wait for a full memory in their order, over all ports, and none is lost") {
  AddressSpace space;
  space.map(0, 0x100);
  for (std::uint8_t i = 0; i < 8; ++i)
    space.write(std::uint64_t{i} * 8,
                std::vector<std::uint8_t>(8, static_cast<std::uint8_t>(0xC0 + i)));
  TwoAtATime timing;
  MemoryTarget target("target", timing, space);
  Initiator initiator("initiator");
  for (auto& socket : initiator.sockets) socket.bind(target.socket);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);

  const std::vector<Burst*> bursts = {&initiator.send(0, tlm::TLM_READ_COMMAND, 0x00),
                                      &initiator.send(1, tlm::TLM_READ_COMMAND, 0x08),
                                      &initiator.send(1, tlm::TLM_WRITE_COMMAND, 0x10),
                                      &initiator.send(0, tlm::TLM_READ_COMMAND, 0x200),
                                      &initiator.send(1, tlm::TLM_READ_COMMAND, 0x18),
                                      &initiator.send(0, tlm::TLM_READ_COMMAND, kRefused)};
  sc_core::sc_start(sc_core::sc_time::from_value(4 * kLatency));

  // An answer is sent a picosecond early, with the rest as its delay; so the memory has room then.
  constexpr Picoseconds kFirst = kLatency - 1;
  constexpr Picoseconds kSecond = kFirst + kLatency - 1;
  const std::vector<Event> expected = {
      {"taken", 0x00, 0},
      {"taken", 0x08, 0},
      {"waits", 0x10, 0},
      {"waits", 0x200, 0},
      {"waits", 0x18, 0},
      {"waits", kRefused, 0},
      {"answered", 0x00, kLatency},
      {"answered", 0x08, kLatency},
      {"taken", 0x10, kFirst},
      {"taken", 0x200, kFirst},
      {"answered", 0x10, kFirst + kLatency},
      {"answered", 0x200, kFirst + kLatency},
      {"taken", 0x18, kSecond},
      {"taken", kRefused, kSecond},
      {"answered", 0x18, kSecond + kLatency},
      {"answered", kRefused, kSecond + kLatency},
  };
  REQUIRE(initiator.events.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i, initiator.events[i].what, initiator.events[i].address, initiator.events[i].time);
    CHECK(initiator.events[i] == expected[i]);
  }

  // The memory was told of port, id and operation, once per burst.
  REQUIRE(timing.requests.size() == bursts.size());
  const std::vector<std::uint32_t> ports = {0, 1, 1, 0, 1, 0};
  for (std::size_t i = 0; i < bursts.size(); ++i) {
    CHECK(timing.requests[i].port == ports[i]);
    CHECK(timing.requests[i].id == 3);
    CHECK(timing.requests[i].bytes == 8);
    CHECK((timing.requests[i].op == MemoryOp::write) == (i == 2));
    CHECK(timing.requests[i].address == bursts[i]->get_address());
  }

  // What was transferred; what was not mapped, and what the memory refused.
  CHECK(bursts[0]->data.data()[7] == 0xC0);
  CHECK(bursts[1]->data.data()[0] == 0xC1);
  CHECK(bursts[4]->data.data()[3] == 0xC3);
  std::vector<std::uint8_t> written(8);
  CHECK(space.read(0x10, written));
  CHECK(written == std::vector<std::uint8_t>(8, 0x10));
  for (std::size_t i = 0; i < bursts.size(); ++i)
    CHECK(bursts[i]->get_response_status() ==
          (i == 3 || i == 5 ? tlm::TLM_ADDRESS_ERROR_RESPONSE : tlm::TLM_OK_RESPONSE));

  // The end of a response asks for nothing.
  CHECK(initiator.end_response(*bursts[0]) == tlm::TLM_ACCEPTED);
  CHECK(timing.requests.size() == bursts.size());
  for (Burst* burst : bursts) burst->release();
}

}  // namespace
}  // namespace bitloom::sim
