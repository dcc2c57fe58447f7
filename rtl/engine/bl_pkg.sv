// SPDX-License-Identifier: Apache-2.0
// Names and types shared by several units.

/* verilator lint_off UNUSEDPARAM */  // each unit uses some of them
package bl_pkg;

  // Why a cycle went by without, or with, a pass: numbered as the counters are (docs/registers.md).
  localparam int unsigned NumCauses = 6;
  localparam logic [2:0] CauseBusy = 3'd0;
  localparam logic [2:0] CauseOutput = 3'd1;
  localparam logic [2:0] CauseActivations = 3'd2;
  localparam logic [2:0] CauseScales = 3'd3;
  localparam logic [2:0] CauseWeights = 3'd4;
  localparam logic [2:0] CauseControl = 3'd5;

  // Memory streams, numbered as AXI IDs: reads, then writes.
  localparam int unsigned NumReadStreams = 4;
  localparam int unsigned ReadWeights = 0;
  localparam int unsigned ReadScales = 1;
  localparam int unsigned ReadActivations = 2;
  localparam int unsigned ReadDescriptors = 3;
  localparam int unsigned WriteOutputs = 0;
  localparam int unsigned WriteCompletions = 1;

  // A table entry or a sum lies in a field of this width, a machine word: simulators work on these
  // much faster than on odd widths back to back. Every one fits: MantissaBits <= 24, and 8 more.
  localparam int unsigned FieldW = 32;

  // Columns per group: 32, 64, 128 or 256. A group per row is worked on in blocks of MaxGroup.
  localparam int unsigned MinGroup = 32;
  localparam int unsigned MaxGroup = 256;

  // Tokens that the largest configuration takes at once.
  localparam int unsigned MaxTokens = 16;

  // Jobs that wait in every unit's queue behind the one at its head. Deep enough that small layers
  // come in while those before them compute and wait for their write responses.
  localparam int unsigned JobQueue = 8;

  // A job's tag is its descriptor's index modulo 2^TagW: more than are ever under way.
  localparam int unsigned TagW = 4;

  // One layer call as the engine sees it (docs/units/engine.md). A row tile is `blocks` blocks; a
  // block is `span` passes of each of its planes or codes.
  typedef struct packed {
    logic [19:0] tiles;              // row tiles, at least 1
    logic [15:0] blocks;             // blocks per row tile, at least 1
    logic [5:0]  span;               // passes per block and round, at least 1
    logic [5:0]  last_span;          // the same in a row tile's last block; 1 .. span
    logic        shared_word;        // a block holds `span` groups, and one plane word per plane
    logic [1:0]  group_log2;         // log2 of the columns per group or block, less 5
    logic [3:0]  bits;               // planes in use
    logic [4:0]  rounds;             // passes over a block: its planes, or its 2^bits codes
    logic        codebook;
    logic        per_row;            // one exponent per token, one set of scales per row
    logic        has_offset;
    logic        binary16;
    logic [4:0]  tokens;             // 1 .. tokens of the configuration
    logic [7:0]  rounding_exponent;  // narrow accumulators (docs/descriptor.md), two's complement
    logic [31:0] scale_pairs;        // pairs of vectors in the scale stream
  } job_t;
  localparam int unsigned JobW = 109;

  // Scale vectors that the ring keeps: those of a whole row tile where it uses them again.
  localparam int unsigned ScaleVectors = 32;

  // What is known of a sum when its last pass is issued, and needed when the sum is there.
  typedef struct packed {
    logic [4:0] scales;              // place in the ring; with an offset: offsets, then scales
    logic       offset;              // the offset is due with this sum
    logic [5:0] release_vectors;     // vectors of the ring that it uses for the last time
    logic       tile_first;          // first sum of a row tile
    logic       tile_last;           // last sum of a row tile
    logic       codebook;
    logic       binary16;
    logic [4:0] tokens;
    logic [7:0] rounding_exponent;
  } sum_t;

  // One stream's part of a job. A line is one beat of every channel the stream uses, side by side;
  // channel c reads its beats `c * stripe` pages after those of channel 0.
  // The members lie at multiples of 32 bits, which a simulator reads as they stand.
  typedef struct packed {
    logic [TagW-1:0] tag;            // comes back with an error
    logic [63:0]     address;        // bytes, of channel 0's first beat
    logic [31:0]     run_lines;      // at least 1
    logic [31:0]     stride_lines;   // from one run's start to the next one's
    logic [31:0]     runs;           // at least 1
    logic [31:0]     stripe;         // 4 KiB pages
  } read_job_t;
  localparam int unsigned ReadJobW = 196;

  typedef struct packed {
    logic [TagW-1:0] tag;
    logic            binary16;       // a result takes 2 bytes, not 4
    logic [63:0]     address;        // bytes, 4 KiB aligned
    logic [31:0]     values;         // results, at least 1
  } write_job_t;
  localparam int unsigned WriteJobW = 101;

endpackage
/* verilator lint_on UNUSEDPARAM */
