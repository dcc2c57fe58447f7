// SPDX-License-Identifier: Apache-2.0
// Every rule of sim/tb/bl_axi_checker.sv fires when it is broken, alone, and none on legal traffic.
#include <VAxiChecker/VAxiChecker.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

using Names = std::set<std::string>;

// What is printed while it lives.
class Output {
 public:
  Output() : kept_(::dup(STDOUT_FILENO)), file_(::memfd_create("output", 0)) {
    REQUIRE(kept_ >= 0);
    REQUIRE(file_ >= 0);
    std::fflush(stdout);
    ::dup2(file_, STDOUT_FILENO);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    restore();
    ::close(file_);
  }
  std::string text() {
    restore();
    std::string text(static_cast<std::size_t>(::lseek(file_, 0, SEEK_END)), '\0');
    REQUIRE(::pread(file_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  void restore() {
    if (kept_ < 0) return;
    std::fflush(stdout);
    ::dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
    kept_ = -1;
  }
  int kept_;
  int file_;
};

// The harness, and the rules that have fired. Signals keep their values from cycle to cycle.
class Bench {
 public:
  Bench() {
    context_.fatalOnError(false);
    context_.randReset(2);
    context_.randSeed(1);
    model_ = std::make_unique<VAxiChecker>(&context_);
    VAxiChecker& m = *model_;
    m.arvalid_i = m.rvalid_i = m.awvalid_i = m.wvalid_i = m.bvalid_i = 0;
    m.arready_i = m.rready_i = 3;
    m.awready_i = m.wready_i = m.bready_i = 1;
    m.lite_arvalid_i = m.lite_rvalid_i = m.lite_awvalid_i = m.lite_wvalid_i = m.lite_bvalid_i = 0;
    m.lite_arready_i = m.lite_rready_i = m.lite_awready_i = m.lite_wready_i = m.lite_bready_i = 1;
    m.lite_wstrb_i = 15;
    m.lite_bresp_i = m.lite_rresp_i = 0;
    m.bresp_i = 0;
    m.rresp_i = 0;
    reset();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() { model_->final(); }

  VAxiChecker* operator->() { return model_.get(); }
  VAxiChecker& operator*() { return *model_; }

  void reset() {
    model_->rst_ni = 0;
    tick(3);
    model_->rst_ni = 1;
    tick();
  }

  void tick(unsigned cycles = 1) {
    for (; cycles != 0; --cycles) {
      model_->clk_i = 0;
      model_->eval();
      model_->clk_i = 1;
      model_->eval();
      context_.gotError(false);
      context_.gotFinish(false);
      context_.timeInc(1);
    }
  }

 private:
  VerilatedContext context_;
  std::unique_ptr<VAxiChecker> model_;
};

// The rules that fire while something is done to the bench.
Names fired(const std::function<void(Bench&)>& traffic) {
  Output output;
  {
    Bench bench;
    traffic(bench);
    bench.tick(2);
  }
  const std::string text = output.text();
  Names names;
  static const std::regex kRule(R"(Assertion failed in \S+\.(\w+): )");
  for (auto match = std::sregex_iterator(text.begin(), text.end(), kRule);
       match != std::sregex_iterator(); ++match)
    names.insert((*match)[1]);
  return names;
}

// ---- What can happen in a cycle
// ------------------------------------------------------------------------------

// Signals of one cycle, and what withdraws them after it.
struct Step {
  std::function<void(Bench&)> set;
  std::function<void(Bench&)> clear;
};

Step at_once(const Step& a, const Step& b) {
  return {[=](Bench& bench) { a.set(bench), b.set(bench); },
          [=](Bench& bench) { a.clear(bench), b.clear(bench); }};
}

// An address of read channel 0.
Step read(unsigned id, unsigned length, unsigned address = 0, unsigned size = 3,
          unsigned burst = 1) {
  return {[=](Bench& b) {
            b->arid_i = static_cast<CData>(id);
            b->araddr_i[0] = address;
            b->arlen_i = static_cast<SData>(length);
            b->arsize_i = static_cast<CData>(size);
            b->arburst_i = static_cast<CData>(burst);
            b->arvalid_i = 1;
          },
          [](Bench& b) { b->arvalid_i = 0; }};
}

// A beat of read channel `channel`.
Step beat(unsigned id, bool last, unsigned response = 0, unsigned channel = 0) {
  return {[=](Bench& b) {
            b->rid_i = static_cast<CData>(id << (4 * channel));
            b->rlast_i = static_cast<CData>((last ? 1 : 0) << channel);
            b->rresp_i = static_cast<CData>(response << (2 * channel));
            b->rvalid_i = static_cast<CData>(1 << channel);
          },
          [](Bench& b) { b->rvalid_i = 0; }};
}

Step write(unsigned id, unsigned length, unsigned address = 0, unsigned size = 3,
           unsigned burst = 1) {
  return {[=](Bench& b) {
            b->awid_i = static_cast<CData>(id);
            b->awaddr_i = address;
            b->awlen_i = static_cast<CData>(length);
            b->awsize_i = static_cast<CData>(size);
            b->awburst_i = static_cast<CData>(burst);
            b->awvalid_i = 1;
          },
          [](Bench& b) { b->awvalid_i = 0; }};
}

Step data(bool last, unsigned strobes = 255) {
  return {[=](Bench& b) {
            b->wlast_i = last ? 1 : 0;
            b->wstrb_i = static_cast<CData>(strobes);
            b->wvalid_i = 1;
          },
          [](Bench& b) { b->wvalid_i = 0; }};
}

Step respond(unsigned id, unsigned response = 0) {
  return {[=](Bench& b) {
            b->bid_i = static_cast<CData>(id);
            b->bresp_i = static_cast<CData>(response);
            b->bvalid_i = 1;
          },
          [](Bench& b) { b->bvalid_i = 0; }};
}

Step lite_read() {
  return {[](Bench& b) { b->lite_arvalid_i = 1; }, [](Bench& b) { b->lite_arvalid_i = 0; }};
}

Step lite_beat(unsigned response = 0) {
  return {[=](Bench& b) {
            b->lite_rresp_i = static_cast<CData>(response);
            b->lite_rvalid_i = 1;
          },
          [](Bench& b) { b->lite_rvalid_i = 0; }};
}

Step lite_write(unsigned address = 0) {
  return {[=](Bench& b) {
            b->lite_awaddr_i = static_cast<SData>(address);
            b->lite_awvalid_i = 1;
          },
          [](Bench& b) { b->lite_awvalid_i = 0; }};
}

Step lite_data(unsigned strobes = 15) {
  return {[=](Bench& b) {
            b->lite_wstrb_i = static_cast<CData>(strobes);
            b->lite_wvalid_i = 1;
          },
          [](Bench& b) { b->lite_wvalid_i = 0; }};
}

Step lite_respond(unsigned response = 0) {
  return {[=](Bench& b) {
            b->lite_bresp_i = static_cast<CData>(response);
            b->lite_bvalid_i = 1;
          },
          [](Bench& b) { b->lite_bvalid_i = 0; }};
}

Step reset_on() {
  return {[](Bench& b) { b->rst_ni = 0; }, [](Bench&) {}};
}
Step reset_off() {
  return {[](Bench& b) { b->rst_ni = 1; }, [](Bench&) {}};
}

// ---- How to break each rule
// ----------------------------------------------------------------------------------

struct Case {
  const char* rule;
  std::vector<Step> steps;
};

const std::vector<Case>& rule_cases() {
  const Step address = read(0, 0);
  static const std::vector<Case> list = {
      {"ArId", {read(2, 0)}},
      {"ArBurst", {read(0, 0, 0, 3, 2)}},
      {"ArSize", {read(0, 0, 0, 4)}},
      {"ArPage", {read(0, 1, 0x2FF8)}},
      {"ArLength", {read(0, 8)}},
      {"ArRoom", {read(1, 0), read(1, 0), read(1, 0), read(1, 0), read(1, 0)}},
      {"RAsked", {beat(0, true)}},
      {"RAsked", {read(0, 0), beat(1, true)}},                 // of another ID
      {"RAsked", {read(0, 0), beat(0, true, 0, 1)}},           // of another channel
      {"RAsked", {read(1, 0), beat(1, true), beat(1, true)}},  // one too many
      {"RAsked", {at_once(read(0, 0), beat(0, true))}},        // in the cycle of its address
      {"RLast", {read(0, 2), beat(0, false), beat(0, true)}},
      {"RLast", {read(0, 1), beat(0, false), beat(0, false)}},
      {"RLast", {read(0, 1), read(0, 0), beat(0, true)}},  // the second burst first
      {"RExokay", {read(0, 0), beat(0, true, 1)}},
      {"AwId", {write(3, 0)}},
      {"AwBurst", {write(0, 0, 0, 3, 0)}},
      {"AwSize", {write(0, 0, 0, 5)}},
      {"AwPage", {write(0, 4, 0xFE0)}},
      {"AwLength", {write(0, 9)}},
      {"AwRoom", {write(0, 0), write(0, 0), write(0, 0), write(0, 0), write(0, 0)}},
      {"WRoom", {data(true), data(true), data(true), data(true), data(true)}},
      {"WBefore", {data(false), data(true), write(0, 2)}},
      {"WBefore", {data(false), data(false), write(0, 0)}},
      {"WLast", {write(0, 1), data(true)}},
      {"WLast", {write(0, 0), data(false)}},
      {"WLast", {at_once(write(0, 1), data(true))}},
      {"WLast", {data(false), write(0, 1), data(false)}},  // begun before its address
      {"WStrobes", {write(0, 1, 4), data(false, 0xF8)}},   // below an unaligned address
      {"WStrobes", {write(0, 1, 0, 1), data(false, 0x03), data(true, 0x1C)}},
      {"BAsked", {respond(0)}},
      {"BAsked", {write(1, 0), data(true), respond(0)}},  // of another ID
      {"BAsked", {write(0, 1), data(false), respond(0)}},
      {"BAsked", {data(true), respond(0)}},
      {"BAsked", {write(0, 0), at_once(data(true), respond(0))}},
      {"BAsked", {data(true), at_once(write(0, 0), respond(0))}},
      {"BAsked", {write(0, 0), data(true), respond(0), respond(0)}},
      {"BExokay", {write(0, 0), data(true), respond(0, 1)}},
      {"ArReset", {reset_on(), reset_on(), address, reset_off()}},
      {"ArReset", {reset_on(), reset_on(), at_once(reset_off(), address)}},
      {"AwReset", {reset_on(), reset_on(), at_once(reset_off(), write(0, 0))}},
      {"WReset", {reset_on(), reset_on(), at_once(reset_off(), data(true))}},
      {"RReset", {reset_on(), reset_on(), beat(0, true), reset_off()}},
      {"BReset", {reset_on(), reset_on(), respond(0), reset_off()}},
      // The control port: the same rules.
      {"RAsked", {lite_beat()}},
      {"RAsked", {lite_read(), lite_beat(), lite_beat()}},
      {"RExokay", {lite_read(), lite_beat(1)}},
      {"BAsked", {lite_data(), lite_respond()}},
      {"BAsked", {lite_write(), lite_respond()}},
      {"BExokay", {at_once(lite_write(), lite_data()), lite_respond(1)}},
      {"WStrobes", {lite_write(2), lite_data(14)}},
      {"ArReset", {reset_on(), reset_on(), at_once(reset_off(), lite_read())}},
  };
  return list;
}

// An offer that waits, for the rules about those: it is withdrawn, or changed.
struct Offer {
  const char* channel;
  std::vector<Step> before;  // makes it legal
  Step step;
  std::function<void(Bench&, bool)> ready;
  std::function<void(Bench&)> change;
};

const std::vector<Offer>& offers() {
  static const std::vector<Offer> list = {
      {"Ar",
       {},
       read(0, 0),
       [](Bench& b, bool r) { b->arready_i = r ? 3 : 2; },
       [](Bench& b) { b->araddr_i[0] ^= 64; }},
      {"R",
       {read(1, 0)},
       beat(1, true),
       [](Bench& b, bool r) { b->rready_i = r ? 3 : 2; },
       [](Bench& b) { b->rdata_i[1] ^= 1U << 31; }},
      {"Aw",
       {},
       write(0, 0),
       [](Bench& b, bool r) { b->awready_i = r ? 1 : 0; },
       [](Bench& b) { b->awid_i ^= 1; }},
      {"W",
       {write(0, 0)},
       data(true),
       [](Bench& b, bool r) { b->wready_i = r ? 1 : 0; },
       [](Bench& b) { b->wdata_i ^= 1; }},
      {"B",
       {write(1, 0), data(true)},
       respond(1),
       [](Bench& b, bool r) { b->bready_i = r ? 1 : 0; },
       [](Bench& b) { b->bresp_i ^= 2; }},
      {"Ar",
       {},
       lite_read(),
       [](Bench& b, bool r) { b->lite_arready_i = r ? 1 : 0; },
       [](Bench& b) { b->lite_araddr_i ^= 4; }},
  };
  return list;
}

void run(Bench& bench, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    step.set(bench);
    bench.tick();
    step.clear(bench);
  }
}

void wait(Bench& bench, const Offer& offer) {
  run(bench, offer.before);
  offer.ready(bench, false);
  offer.step.set(bench);
  bench.tick(2);
}

TEST_CASE("A rule that is broken fires, and no other one") {
  for (const Case& c : rule_cases()) {
    CAPTURE(c.rule);
    CHECK(fired([&](Bench& bench) { run(bench, c.steps); }) == Names{c.rule});
  }
}

TEST_CASE("An offer that is withdrawn or changes before it is taken breaks a rule") {
  for (const Offer& offer : offers()) {
    const std::string channel = offer.channel;
    CAPTURE(channel);
    CHECK(fired([&](Bench& bench) {
            wait(bench, offer);
            offer.step.clear(bench);
          }) == Names{channel + "Held"});
    CHECK(fired([&](Bench& bench) {
            wait(bench, offer);
            offer.change(bench);
            bench.tick();
            offer.ready(bench, true);
            bench.tick();
            offer.step.clear(bench);
          }) == Names{channel + "Stable"});
    CHECK(fired([&](Bench& bench) {
            wait(bench, offer);
            offer.ready(bench, true);
            bench.tick();
            offer.step.clear(bench);
          }).empty());
  }
}

TEST_CASE("Every rule of the source has a case that breaks it") {
  std::ifstream in(std::string(BITLOOM_SOURCE_DIR) + "/sim/tb/bl_axi_checker.sv");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto all = [&](const char* pattern) {
    const std::regex regex(pattern);
    Names names;
    for (auto m = std::sregex_iterator(text.begin(), text.end(), regex);
         m != std::sregex_iterator(); ++m)
      names.insert((*m)[1]);
    return names;
  };
  Names rules = all(R"(`BL_AXI_(?:CHANNEL_)?RULE\((\w+),)");
  const Names suffixes = all(R"(`BL_AXI_(?:CHANNEL_)?RULE\(ch``(\w+),)");
  CHECK(suffixes.size() == 8);
  for (const std::string& ch : all(R"(`BL_AXI_HANDSHAKE\((\w+),)"))
    for (const char* suffix : {"Reset", "Held", "Stable"})
      if (ch != "ch" && suffixes.contains(suffix)) rules.insert(ch + suffix);
  for (const std::string& ch : all(R"(`BL_AXI_ADDRESS\((\w+),)"))
    for (const char* suffix : {"Id", "Burst", "Size", "Page", "Length"})
      if (ch != "ch" && suffixes.contains(suffix)) rules.insert(ch + suffix);
  rules.erase("name");  // the macros' own parameter
  CHECK(rules.size() == 36);
  Names broken;
  for (const Case& c : rule_cases()) broken.insert(c.rule);
  for (const Offer& offer : offers())
    for (const char* suffix : {"Held", "Stable"})
      broken.insert(std::string(offer.channel) + suffix);
  CHECK(broken == rules);
}

// ---- Legal traffic: both sides of every port at random
// --------------------------------------------------------------------

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
  bool often() { return below(4) != 0; }

 private:
  std::mt19937 engine_;
};

// Two read channels; per channel at most 4 bursts of an ID under way, beats of the two IDs mixed.
class LegalReads {
 public:
  explicit LegalReads(unsigned seed) : random_(seed) {}

  void drive(Bench& b) {
    b->arready_i = static_cast<CData>(random_.below(4));
    b->rready_i = static_cast<CData>(random_.below(4));
    for (unsigned c = 0; c < 2; ++c) {
      drive_address(b, c);
      drive_beat(b, c);
    }
  }

  void edge(Bench& b) {
    for (unsigned c = 0; c < 2; ++c) {
      Side& side = sides_.at(c);
      if (side.offers_beat && ((b->rready_i >> c) & 1) != 0) {
        side.offers_beat = false;
        if (--side.under_way.at(side.beat_id).front() == 0)
          side.under_way.at(side.beat_id).pop_front();
        ++beats;
      }
      if (side.offers_address && ((b->arready_i >> c) & 1) != 0) {
        side.offers_address = false;
        side.under_way.at(side.id).push_back(side.length + 1);
      }
    }
  }

  unsigned beats = 0;

 private:
  struct Side {
    bool offers_address = false;
    bool offers_beat = false;
    unsigned id = 0;
    unsigned length = 0;
    unsigned beat_id = 0;
    std::array<std::deque<unsigned>, 2> under_way;  // beats left, by ID
  };

  static void set(CData& port, unsigned channel, unsigned width, unsigned value) {
    const unsigned mask = ((1U << width) - 1) << (channel * width);
    port = static_cast<CData>((port & ~mask) | (value << (channel * width)));
  }

  void drive_address(Bench& b, unsigned c) {
    Side& side = sides_.at(c);
    if (!side.offers_address && random_.often()) {
      side.id = random_.below(2);
      if (side.under_way.at(side.id).size() == 4) return set(b->arvalid_i, c, 1, 0);
      side.length = random_.below(8);
      side.offers_address = true;
      set(b->arid_i, c, 4, side.id);
      set(b->arsize_i, c, 3, 3);
      set(b->arburst_i, c, 2, 1);
      b->arlen_i = static_cast<SData>((b->arlen_i & ~(0xFFU << (8 * c))) | side.length << (8 * c));
      b->araddr_i[2 * c] = 4096 - 8 * (side.length + 1) - 64 * random_.below(8);
    }
    set(b->arvalid_i, c, 1, side.offers_address ? 1 : 0);
  }

  void drive_beat(Bench& b, unsigned c) {
    Side& side = sides_.at(c);
    if (!side.offers_beat && random_.often()) {
      side.beat_id = random_.below(2);
      if (side.under_way.at(side.beat_id).empty()) return set(b->rvalid_i, c, 1, 0);
      side.offers_beat = true;
      set(b->rid_i, c, 4, side.beat_id);
      set(b->rresp_i, c, 2, std::array{0U, 2U, 3U}.at(random_.below(3)));
      set(b->rlast_i, c, 1, side.under_way.at(side.beat_id).front() == 1 ? 1 : 0);
      b->rdata_i[2 * c] = random_.below(1U << 31);
    }
    set(b->rvalid_i, c, 1, side.offers_beat ? 1 : 0);
  }

  Random random_;
  std::array<Side, 2> sides_;
};

// Writes of any size and alignment; data comes before or after its address.
class LegalWrites {
 public:
  explicit LegalWrites(unsigned seed) : random_(seed) {}

  void drive(Bench& b) {
    b->awready_i = random_.often() ? 1 : 0;
    b->wready_i = random_.often() ? 1 : 0;
    b->bready_i = random_.often() ? 1 : 0;
    while (bursts_.size() < data_ + 4) bursts_.push_back(any_burst());
    if (b->awvalid_i == 0 && random_.often() && addresses_ < data_ + 4) {
      const Burst& burst = bursts_.at(addresses_);
      write(burst.id, burst.beats - 1, burst.address, burst.size).set(b);
    }
    if (b->wvalid_i == 0 && random_.often() && data_ < addresses_ + 4) offer_beat(b);
    if (b->bvalid_i == 0 && random_.often()) offer_response(b);
  }

  void edge(Bench& b) {
    answerable_ = std::min(addresses_, data_);
    if (b->bvalid_i != 0 && b->bready_i != 0) {
      clear_.push_back(&b->bvalid_i);
      ++answered;
    }
    if (b->awvalid_i != 0 && b->awready_i != 0) {
      ++addresses_;
      clear_.push_back(&b->awvalid_i);
    }
    if (b->wvalid_i != 0 && b->wready_i != 0) {
      if (++beat_ == bursts_.at(data_).beats) {
        beat_ = 0;
        ++data_;
      }
      clear_.push_back(&b->wvalid_i);
    }
  }

  // After the clock edge: what was taken is no longer offered.
  void settle() {
    for (CData* valid : clear_) *valid = 0;
    clear_.clear();
    while (owed_to_ < std::min(addresses_, data_)) ++owed_.at(bursts_.at(owed_to_++).id);
  }

  unsigned answered = 0;

 private:
  struct Burst {
    unsigned id, address, size, beats;
  };

  Burst any_burst() {
    Burst burst{random_.below(2), 0, random_.below(4), 1 + random_.below(8)};
    burst.address = random_.below(4096 - (burst.beats << burst.size)) & ~((1U << burst.size) - 1);
    burst.address += random_.below(1U << burst.size);  // unaligned
    return burst;
  }

  void offer_beat(Bench& b) {
    const Burst& burst = bursts_.at(data_);
    const unsigned bytes = 1U << burst.size;
    const unsigned start = burst.address / bytes * bytes + beat_ * bytes;
    unsigned lanes = 0;
    for (unsigned byte = start; byte < start + bytes; ++byte)
      if (byte >= burst.address) lanes |= 1U << (byte % 8);
    b->wdata_i = random_.below(1U << 31);
    b->wlast_i = beat_ + 1 == burst.beats;
    b->wstrb_i = static_cast<CData>(lanes & (random_.often() ? 255 : random_.below(256)));
    b->wvalid_i = 1;
  }

  void offer_response(Bench& b) {
    const unsigned id = random_.below(2);
    if (owed_.at(id) == 0) return;
    --owed_.at(id);
    b->bid_i = static_cast<CData>(id);
    b->bresp_i = static_cast<CData>(2 * random_.below(2));
    b->bvalid_i = 1;
  }

  Random random_;
  std::deque<Burst> bursts_;
  std::size_t addresses_ = 0;  // accepted
  std::size_t data_ = 0;       // bursts whose data is complete
  std::size_t answerable_ = 0;
  std::size_t owed_to_ = 0;
  unsigned beat_ = 0;
  std::array<unsigned, 2> owed_{};
  std::vector<CData*> clear_;
};

TEST_CASE("Legal traffic breaks no rule, and neither does a reset in the middle of it") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    unsigned beats = 0;
    unsigned answered = 0;
    const Names names = fired([&](Bench& b) {
      for (int round = 0; round < 3; ++round) {
        LegalReads reads(seed * 10 + static_cast<unsigned>(round));
        LegalWrites writes(seed * 10 + static_cast<unsigned>(round));
        for (int cycle = 0; cycle < 3000; ++cycle) {
          reads.drive(b);
          writes.drive(b);
          reads.edge(b);
          writes.edge(b);
          b.tick();
          writes.settle();
        }
        beats += reads.beats;
        answered += writes.answered;
        b->rst_ni = 0;
        b.tick();  // valid may be high still at the first edge in reset
        b->arvalid_i = b->rvalid_i = b->awvalid_i = b->wvalid_i = b->bvalid_i = 0;
        b.reset();
      }
    });
    CHECK(names.empty());
    CHECK(beats > 3000);
    CHECK(answered > 300);
  }
}

}  // namespace
