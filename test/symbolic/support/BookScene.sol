// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "../../../contracts/interfaces/IAuditBeacon.sol";
import { IBondEscrow } from "../../../contracts/interfaces/IBondEscrow.sol";
import { Claim, ClaimProof } from "../../../contracts/interfaces/IClaimBook.sol";
import { IJobMarket } from "../../../contracts/interfaces/IJobMarket.sol";
import { IModelRegistry } from "../../../contracts/interfaces/IModelRegistry.sol";
import { ITokenDigests } from "../../../contracts/interfaces/ITokenDigests.sol";
import { Leaf, Program, Tree } from "../../../contracts/interfaces/Types.sol";
import { BookHarness } from "./BookHarness.sol";
import { BookState } from "./BookState.sol";
import { BeaconDouble, DigestsDouble, EscrowDouble, MarketDouble, RegistryDouble, VerifierDouble } from "./Doubles.sol";
import { Fact, fact, implies, when } from "./Fact.sol";
import { Test } from "forge-std/Test.sol";

/// A claim whose job, recipient and digests are fixed, in any mode, with any windows that the market allows, in any state
/// that can be reached, at any time; and what must hold of every step from there.
abstract contract BookScene is Test {
    // Of claims, of outputs: the enums, as numbers, so that comparing makes no paths.
    uint256 internal constant POSTED = 1;
    uint256 internal constant PROVEN = 2;
    uint256 internal constant FINALIZED = 3;
    uint256 internal constant DEFEATED = 4;
    uint256 internal constant VOIDED = 5;
    uint256 internal constant NONE = 0;
    uint256 internal constant OPEN = 1;
    uint256 internal constant REVEALED = 2;
    uint256 internal constant ANSWERED = 3;
    uint256 internal constant TIMED_OUT = 4;
    // Modes.
    uint256 internal constant PROOFS = 0;
    uint256 internal constant OPTIMISTIC = 1;
    uint256 internal constant AUDITED = 2;

    /// Sets of layers are looked at bit by bit, and no two layers differently, so that few are enough.
    uint256 internal constant LAYERS = 3;
    uint256 internal constant ALL = 7;
    uint256 internal constant WHOLE_TARGET = 255;
    uint256 internal constant OUTPUT_TARGET = 256;
    uint256 internal constant WHOLE_BIT = 1 << 255;
    /// Says of a draw that it was made.
    uint256 internal constant DRAWN = 1 << 255;

    /// Only differences of times matter.
    uint256 internal constant POSTED_AT = 1_700_000_000;
    uint64 internal constant DRAW_BLOCK = 1000;
    uint256 internal constant LEAST_WINDOW = 1 minutes;
    uint256 internal constant MOST_WINDOW = 7 days;

    bytes32 internal constant JOB = bytes32(uint256(0xb0b));
    bytes32 internal constant OTHER_JOB = bytes32(uint256(0xb0b2));
    bytes32 internal constant OUTPUT_DIGEST = bytes32(uint256(0xd1));
    bytes32 internal constant SEED = bytes32(uint256(0x5eed));
    address internal constant RECIPIENT = address(0x4ec);
    address internal constant REQUESTER = address(0x4e9);
    address internal constant PROVIDER = address(0x940);

    struct Terms {
        uint256 mode;
        uint256 challengeWindow;
        uint256 answerWindow;
    }

    struct Around {
        uint256 time;
        bool usable;
        address sender;
    }

    struct Scene {
        Claim claim;
        bytes32 id;
        BookState s;
        uint256 mode;
        uint256 challengeWindow;
        uint256 answerWindow;
        /// As docs/onchain.md has them.
        uint256 challengeBy;
        uint256 provenBy;
        uint256 time;
        Fact usable;
        address sender;
        uint256 live;
    }

    EscrowDouble internal escrow;
    MarketDouble internal market;
    RegistryDouble internal registry;
    BeaconDouble internal beacon;
    DigestsDouble internal digests;
    VerifierDouble internal verifier;
    BookHarness internal book;

    function setUp() public virtual {
        verifier = new VerifierDouble();
        verifier.set(true);
        registry = new RegistryDouble(address(verifier));
        escrow = new EscrowDouble();
        beacon = new BeaconDouble(DRAW_BLOCK);
        digests = new DigestsDouble();
        market = new MarketDouble(REQUESTER, PROVIDER, JOB);
        book = bookFor(market);
    }

    function bookFor(MarketDouble of_) internal returns (BookHarness) {
        return new BookHarness(
            IBondEscrow(address(escrow)),
            IJobMarket(address(of_)),
            IModelRegistry(address(registry)),
            IAuditBeacon(address(beacon)),
            ITokenDigests(address(digests))
        );
    }

    // ---------------------------------------------------------------- before

    /// @param revealed What the book has of a revealed output.
    function arrange(Terms calldata t, BookState calldata s, Around calldata a, bytes32 revealed)
        internal
        returns (Scene memory x)
    {
        x = rules(t, s, a);
        x.live = holders(x.s);
        put(x.id, x.s, revealed);
        registry.set(a.usable, 0);
        escrow.put(0, false, x.live);
        vm.warp(a.time);
    }

    /// Without a book.
    function rules(Terms calldata t, BookState calldata s, Around calldata a) internal view returns (Scene memory x) {
        (BookState memory kept, uint256 time, Fact usable, address sender) = (s, a.time, fact(a.usable), a.sender);
        vm.assume(time >= POSTED_AT && time < 1 << 40);
        x = scene(t);
        (x.s, x.time, x.usable, x.sender) = (kept, time, usable, sender);
        assume(reachable(x, kept));
        // Each challenger sent a transaction.
        for (uint256 i = 0; i < 4; ++i) {
            vm.assume(kept.holders[i] < 1 << 28);
        }
        vm.assume(kept.reward < 1 << 128);
    }

    function put(bytes32 id, BookState memory s, bytes32 revealed) internal {
        uint256 kept = s.status | s.output << 8 | s.allProven << 16 | s.outputResolved << 24 | s.outputBy << 32
            | s.challengers << 96 | s.reward << 128;
        uint256[4] memory records;
        for (uint256 i = 0; i < 4; ++i) {
            records[i] = s.answerBy[i] | s.holders[i] << 64;
        }
        book.put(id, kept, s, records, revealed);
    }

    function look(bytes32 id) internal view returns (BookState memory s) {
        uint256 kept;
        uint256[4] memory records;
        (kept, s, records) = book.look(id);
        (s.status, s.output, s.allProven) = (uint8(kept), uint8(kept >> 8), uint8(kept >> 16));
        (s.outputResolved, s.outputBy) = (uint8(kept >> 24), uint64(kept >> 32));
        (s.challengers, s.reward) = (uint32(kept >> 96), kept >> 128);
        for (uint256 i = 0; i < 4; ++i) {
            (s.answerBy[i], s.holders[i]) = (uint64(records[i]), uint64(records[i] >> 64));
        }
    }

    function scene(Terms calldata t) internal view returns (Scene memory x) {
        vm.assume(t.mode <= AUDITED);
        // Three paths, on each of which a claim's words but for its times are numbers.
        x.mode = t.mode == PROOFS ? PROOFS : t.mode == OPTIMISTIC ? OPTIMISTIC : AUDITED;
        (x.challengeWindow, x.answerWindow) = (t.challengeWindow, t.answerWindow);
        Fact waived = fact(x.challengeWindow == 0) & fact(x.mode == PROOFS);
        assume(waived | within(x.challengeWindow, LEAST_WINDOW, MOST_WINDOW));
        assume(within(x.answerWindow, LEAST_WINDOW, MOST_WINDOW));
        unchecked {
            x.challengeBy = when(~fact(x.challengeWindow == 0), POSTED_AT + x.challengeWindow);
            x.provenBy = (x.mode == PROOFS ? POSTED_AT : x.challengeBy) + x.answerWindow;
        }
        x.claim = claimOf(x, JOB);
        x.id = keccak256(abi.encode(x.claim));
    }

    function claimOf(Scene memory x, bytes32 job) internal view returns (Claim memory claim) {
        claim.job = job;
        claim.recipient = RECIPIENT;
        claim.verifier = address(verifier);
        claim.programs = pair(pair(leafOf(0), leafOf(1)), leafOf(2));
        claim.statement = bytes32(uint256(0x57a7e));
        claim.outputDigest = OUTPUT_DIGEST;
        claim.activations = bytes32(uint256(0xac7));
        claim.seedDigest = keccak256(abi.encode(SEED));
        claim.terms = 1 | 1 << 32 | LAYERS << 64 | x.mode << 80 | 1 ether << 88;
        uint256 drawBlock = x.mode == AUDITED ? DRAW_BLOCK : 0;
        claim.times = POSTED_AT | x.challengeWindow << 64 | x.answerWindow << 96 | drawBlock << 128;
    }

    // ---------------------------------------------------------------- what a state may be

    /// States that the book can be in. All steps are checked to lead from such states to such states, and `post` into one.
    function reachable(Scene memory x, BookState memory s) internal pure returns (Fact) {
        return outputIsReachable(x, s) & setsAreReachable(x, s) & recordsAreReachable(x, s) & endIsReachable(x, s);
    }

    function outputIsReachable(Scene memory x, BookState memory s) private pure returns (Fact ok) {
        (uint256 output, uint256 by) = (s.output, s.outputBy);
        ok = fact(s.allProven <= 1) & fact(s.outputResolved <= 1);
        ok = ok & fact(output <= TIMED_OUT) & fact(by <= latest(x)) & implies(fact(output == NONE), fact(by == 0));
        Fact waived = fact(x.challengeWindow == 0);
        ok = ok & implies(waived, fact(by == 0) & (fact(output == NONE) | fact(output == ANSWERED)));
        unchecked {
            uint256 first = POSTED_AT + x.answerWindow;
            ok = ok & implies(fact(output == OPEN), within(by, first, x.challengeBy + x.answerWindow));
            first = POSTED_AT + x.challengeWindow;
            ok = ok & implies(fact(output == REVEALED), within(by, first, latest(x)));
        }
        // Else the claim is settled.
        Fact waiting = ~fact(s.allProven == 0) & (fact(s.status == POSTED) | fact(s.status == VOIDED));
        ok = ok & implies(waiting, ~fact(output == ANSWERED));
        ok = ok & implies(~fact(s.outputResolved == 0), fact(output == TIMED_OUT));
    }

    function setsAreReachable(Scene memory x, BookState memory s) private pure returns (Fact ok) {
        // That all are proven is said by `allProven`.
        ok = fact(s.proven & ~ALL == 0) & ~fact(s.proven == ALL);
        ok = ok & fact(s.challenged & ~(ALL | WHOLE_BIT) == 0);
        ok = ok & implies(fact(x.mode == PROOFS), fact(s.challenged == 0));
        Fact drawn = fact(x.mode == AUDITED) & fact(s.drawn & ~(ALL | DRAWN) == 0) & ~fact(s.drawn & DRAWN == 0);
        ok = ok & (fact(s.drawn == 0) | drawn);
    }

    function recordsAreReachable(Scene memory x, BookState memory s) private pure returns (Fact ok) {
        ok = fact(true);
        for (uint256 i = 0; i < 4; ++i) {
            Fact challenged = ~fact(s.challenged & bitAt(i) == 0);
            (uint256 by, uint256 n) = (s.answerBy[i], s.holders[i]);
            ok = ok & (challenged | (fact(by == 0) & fact(n == 0)));
            unchecked {
                Fact inTime = within(by, POSTED_AT + x.answerWindow, x.challengeBy + x.answerWindow);
                ok = ok & implies(challenged, inTime);
            }
            // Bonds leave once the claim is over.
            ok = ok & implies(challenged & fact(s.status == POSTED), ~fact(n == 0));
        }
    }

    function endIsReachable(Scene memory x, BookState memory s) private pure returns (Fact ok) {
        uint256 status = s.status;
        ok = within(status, POSTED, VOIDED);
        Fact defeated = fact(status == DEFEATED);
        Fact closed = ~fact(s.output == OPEN);
        Fact noParts = ~fact(s.output == TIMED_OUT) & fact(s.challengers == 0);
        ok = ok & implies(~defeated, noParts) & implies(defeated, closed & fact(s.challengers == parts(s)));
        // The last one takes what is left.
        ok = ok & implies(fact(s.challengers == 0), fact(s.reward == 0));
        ok = ok & implies(fact(status == PROVEN), closed);
        Fact due = fact(missing(x, s) == 0) & implies(fact(x.mode == AUDITED), ~fact(s.drawn == 0));
        Fact silence = closed & due & fact(openSet(s) == 0) & fact(s.allProven == 0) & ~fact(x.mode == PROOFS);
        ok = ok & implies(fact(status == FINALIZED), silence);
    }

    // ---------------------------------------------------------------- after

    /// What every step keeps; with who ended the claim and how, the market.
    function checkStep(Scene memory x, Fact expected, bool made) internal {
        same(fact(made), expected, "made when it should not be, or not when it should");
        if (made) checkMade(x);
    }

    function checkMade(Scene memory x) internal view {
        BookState memory z = look(x.id);
        hold(reachable(x, z), "a state that cannot be reached");
        hold(forward(x.s, z), "went back");
        hold(implies(~fact(x.s.status == POSTED), stays(x.s, z)), "an end that changed");
        hold(calls(x.s, z), "the market is not told the end, or told twice");
        assertEq(escrow.live(), holders(z), "bonds that are held are those of records");
    }

    function forward(BookState memory s, BookState memory z) private pure returns (Fact ok) {
        ok = fact(s.proven & ~z.proven == 0) & fact(s.challenged & ~z.challenged == 0)
            & implies(~fact(s.drawn == 0), fact(s.drawn == z.drawn))
            & implies(~fact(s.allProven == 0), ~fact(z.allProven == 0))
            & implies(~fact(s.outputResolved == 0), ~fact(z.outputResolved == 0));
        for (uint256 i = 0; i < 4; ++i) {
            // A challenge's deadline does not move.
            ok = ok & implies(~fact(s.answerBy[i] == 0), fact(s.answerBy[i] == z.answerBy[i]));
            // What was answered stays so: nobody joins.
            Fact answered = fact(provenSet(s) & bitAt(i) != 0);
            ok = ok & implies(answered, fact(provenSet(z) & bitAt(i) != 0) & fact(z.holders[i] <= s.holders[i]));
        }
        // None → Open → Revealed → Answered, or → TimedOut.
        (uint256 a, uint256 b) = (s.output, z.output);
        ok = ok & fact(a <= b) & implies(fact(a == NONE), ~fact(b == REVEALED) & ~fact(b == TIMED_OUT))
            & implies(fact(a >= ANSWERED), fact(a == b));
    }

    /// But for what `resolve` pays out.
    function stays(BookState memory s, BookState memory z) internal pure returns (Fact ok) {
        ok = fact(s.status == z.status) & fact(s.output == z.output) & fact(s.outputBy == z.outputBy)
            & fact(s.allProven == z.allProven) & fact(s.proven == z.proven) & fact(s.challenged == z.challenged)
            & fact(s.drawn == z.drawn) & fact(z.reward <= s.reward) & fact(z.challengers <= s.challengers);
        for (uint256 i = 0; i < 4; ++i) {
            ok = ok & fact(s.answerBy[i] == z.answerBy[i]) & fact(z.holders[i] <= s.holders[i]);
        }
    }

    function calls(BookState memory s, BookState memory z) private view returns (Fact ok) {
        MarketDouble.Calls memory c = market.callsOf(JOB);
        Fact ended = fact(s.status == POSTED) & ~fact(z.status == POSTED);
        Fact settled = ended & (fact(z.status == PROVEN) | fact(z.status == FINALIZED));
        Fact slashed = ended & fact(z.status == DEFEATED);
        Fact refunded = ended & fact(z.status == VOIDED);
        ok = fact(c.settled == when(settled, 1)) & fact(c.slashed == when(slashed, 1));
        ok = ok & fact(c.refunded == when(refunded, 1)) & implies(settled, fact(c.recipient == RECIPIENT));
        ok = ok & implies(slashed, same(fact(c.challenged), ~fact(z.challengers == 0)));
    }

    // ---------------------------------------------------------------- what follows from a state

    function provenSet(BookState memory s) internal pure returns (uint256) {
        return s.proven | when(~fact(s.allProven == 0) | fact(s.status == PROVEN), type(uint256).max);
    }

    /// Targets whose challenge is not answered.
    function openSet(BookState memory s) internal pure returns (uint256) {
        return s.challenged & ~provenSet(s);
    }

    /// Layers that have to be proven whatever is challenged, and are not.
    function missing(Scene memory x, BookState memory s) internal pure returns (uint256) {
        if (x.mode == OPTIMISTIC) return 0;
        Fact drawn = fact(x.mode == AUDITED) & ~fact(s.drawn == 0);
        return (when(drawn, s.drawn & ALL) | when(~drawn, ALL)) & ~provenSet(s);
    }

    /// No step of the requester about the output is possible any more.
    function outputClosed(Scene memory x) internal pure returns (Fact) {
        uint256 output = x.s.output;
        return fact(output == ANSWERED) | (fact(output == NONE) & fact(x.time > x.challengeBy))
            | (fact(output == REVEALED) & fact(x.time > x.s.outputBy));
    }

    function overdue(Scene memory x) internal pure returns (uint256 set) {
        for (uint256 i = 0; i < 4; ++i) {
            set |= when(fact(x.time > x.s.answerBy[i]), openSet(x.s) & bitAt(i));
        }
    }

    function holders(BookState memory s) internal pure returns (uint256 n) {
        unchecked {
            for (uint256 i = 0; i < 4; ++i) {
                n += s.holders[i];
            }
        }
    }

    /// Who has a part of a defeated claim's stake to take.
    function parts(BookState memory s) internal pure returns (uint256 n) {
        unchecked {
            for (uint256 i = 0; i < 4; ++i) {
                n += when(fact(openSet(s) & bitAt(i) != 0), s.holders[i]);
            }
            n += when(fact(s.output == TIMED_OUT) & fact(s.outputResolved == 0), 1);
        }
    }

    /// When a dispute of the output is over, whenever it was demanded and revealed.
    function latest(Scene memory x) internal pure returns (uint256) {
        unchecked {
            return POSTED_AT + 2 * x.challengeWindow + x.answerWindow;
        }
    }

    function bitAt(uint256 i) internal pure returns (uint256) {
        return i == 3 ? WHOLE_BIT : 1 << i;
    }

    // ---------------------------------------------------------------- proofs

    /// A proof of some layers, by a leaf each.
    function entry(Claim memory claim, uint256 set) internal pure returns (ClaimProof memory p) {
        p.claim = claim;
        uint256 n = 0;
        for (uint256 i = 0; i < LAYERS; ++i) {
            if (set & bitAt(i) != 0) ++n;
        }
        p.leaves = new Leaf[](n);
        n = 0;
        for (uint256 i = 0; i < LAYERS; ++i) {
            if (set & bitAt(i) == 0) continue;
            bytes32[] memory path = new bytes32[](i == 2 ? 1 : 2);
            path[0] = i == 2 ? pair(leafOf(0), leafOf(1)) : leafOf(1 - i);
            if (i != 2) path[1] = leafOf(2);
            p.leaves[n++] = Leaf(program(i), bytes32(i), path);
        }
    }

    /// One node over another, over all leaves.
    function treeOf(uint256 leaves) internal pure returns (Tree memory tree) {
        bytes memory shape = "";
        for (uint256 i = 1; i <= leaves; ++i) {
            shape = abi.encodePacked(shape, i == 1 ? bytes(hex"00") : bytes(hex"0002"));
        }
        return Tree(shape, new bytes32[](leaves - 1));
    }

    function program(uint256 i) private pure returns (Program memory) {
        return Program(uint16(i), 1, bytes32(i + 1), bytes32(i + 1));
    }

    function leafOf(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode(bytes32("nanozk program 1"), program(i)));
    }

    function pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    // ---------------------------------------------------------------- facts

    function within(uint256 value, uint256 least, uint256 most) internal pure returns (Fact) {
        return fact(value >= least) & fact(value <= most);
    }

    function same(Fact a, Fact b) internal pure returns (Fact) {
        return fact(Fact.unwrap(a) == Fact.unwrap(b));
    }

    function same(Fact a, Fact b, string memory what) internal pure {
        assertEq(Fact.unwrap(a), Fact.unwrap(b), what);
    }

    function hold(Fact a, string memory what) internal pure {
        assertTrue(Fact.unwrap(a), what);
    }

    function assume(Fact a) internal pure {
        vm.assume(Fact.unwrap(a));
    }
}
