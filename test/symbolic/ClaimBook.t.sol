// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimHeader, ClaimProof } from "../../contracts/interfaces/IClaimBook.sol";
import { BookRules } from "./support/BookRules.sol";
import { BookState } from "./support/BookState.sol";
import { Fact, fact, implies, when } from "./support/Fact.sol";

/// For halmos (script/symbolic): claims and challenges. From any state that can be reached, one call with any arguments, at any
/// time: it is made exactly when the rules say so, and what every step keeps is kept (`BookScene.checkMade`).
/// Paths that cannot be are seen as such in time, also on a machine that does much else: else loops seem longer than they are.
/// @custom:halmos --solver-timeout-branching 2s --solver-timeout-assertion 10m
contract ClaimBookSymbolicTest is BookRules {
    // ---------------------------------------------------------------- calls

    function check_post(Terms calldata t, BookState calldata s, Around calldata a, bytes32 job) external {
        Scene memory x = arrange(t, s, a, 0);
        ClaimHeader memory header;
        (header.job, header.recipient) = (job, RECIPIENT);
        header.points = new uint256[](3);
        // Of a job that has a claim nothing is posted: the market refuses.
        Fact expected = ~fact(job == JOB) & x.usable & fact(a.sender == PROVIDER);
        (bool made, bytes memory result) = send(x, abi.encodeCall(book.post, (header, "")));
        checkStep(x, expected, made);
        if (!made) return;
        BookState memory z = look(x.id);
        hold(stays(x.s, z) & fact(holders(z) == x.live), "another claim than the one that is posted");
        bytes32 id = abi.decode(result, (bytes32));
        z = look(id);
        assertEq(z.status, POSTED);
        hold(reachable(x, z), "a claim begins in a state that can be reached");
        assertEq(z.output | z.proven | z.challenged | z.drawn | holders(z), 0, "a claim begins with nothing");
    }

    /// @param n How many layers: no two differ.
    function check_prove(Terms calldata t, BookState calldata s, Around calldata a, uint256 n, bool accepts) external {
        Scene memory x = arrange(t, s, a, 0);
        verifier.set(accepts);
        vm.assume(n >= 1 && n <= LAYERS);
        uint256 set = n == 1 ? 1 : n == 2 ? 3 : 7;
        ClaimProof[] memory proofs = new ClaimProof[](1);
        proofs[0] = entry(x.claim, set);
        (bool made,) = send(x, abi.encodeCall(book.prove, (proofs, treeOf(proofs[0].leaves.length), "")));
        checkStep(x, mayProve(x, set, accepts), made);
        if (!made) return;
        BookState memory z = look(x.id);
        Fact settles = provesAll(x, set) & outputClosed(x);
        assertEq(z.status, when(settles, PROVEN) | when(~settles, POSTED), "status");
        hold(fact((provenSet(x.s) | set) & ALL == provenSet(z) & ALL), "these layers are proven");
    }

    /// A claim twice, or another before it.
    function check_proveSeveral(Terms calldata t, BookState calldata s, Around calldata a, bool twice) external {
        Scene memory x = arrange(t, s, a, 0);
        Claim memory other = claimOf(x, OTHER_JOB);
        BookState memory fresh;
        fresh.status = POSTED;
        put(keccak256(abi.encode(other)), fresh, 0);
        ClaimProof[] memory proofs = new ClaimProof[](2);
        proofs[0] = entry(twice ? x.claim : other, 1);
        proofs[1] = entry(x.claim, 6);
        (bool made,) = send(x, abi.encodeCall(book.prove, (proofs, treeOf(3), "")));
        if (made) checkMade(x);
    }

    function check_finalize(Terms calldata t, BookState calldata s, Around calldata a) external {
        Scene memory x = arrange(t, s, a, 0);
        (bool made,) = send(x, abi.encodeCall(book.finalize, (x.claim)));
        checkStep(x, mayFinalize(x), made);
        if (made) assertEq(look(x.id).status, s.allProven != 0 ? PROVEN : FINALIZED, "status");
    }

    function check_expireClaim(Terms calldata t, BookState calldata s, Around calldata a) external {
        Scene memory x = arrange(t, s, a, 0);
        (bool made,) = send(x, abi.encodeCall(book.expireClaim, (x.claim)));
        checkStep(x, mayExpire(x), made);
        if (made) assertEq(look(x.id).status, DEFEATED, "status");
    }

    function check_voidClaim(Terms calldata t, BookState calldata s, Around calldata a) external {
        Scene memory x = arrange(t, s, a, 0);
        (bool made,) = send(x, abi.encodeCall(book.voidClaim, (x.claim)));
        checkStep(x, mayVoid(x), made);
        if (made) assertEq(look(x.id).status, VOIDED, "status");
    }

    function check_revealDraw(Terms calldata t, BookState calldata s, Around calldata a, bool ready, uint256 drawn)
        external
    {
        Scene memory x = arrange(t, s, a, 0);
        vm.assume(drawn <= ALL);
        registry.set(a.usable, drawn);
        beacon.set(ready);
        (bool made,) = send(x, abi.encodeCall(book.revealDraw, (x.claim, "")));
        checkStep(x, mayDraw(x, ready), made);
        if (made) assertEq(look(x.id).drawn, drawn | DRAWN, "drawn");
    }

    /// @param held Whether the sender challenges this already.
    function check_challenge(
        Terms calldata t,
        BookState calldata s,
        Around calldata a,
        uint256 target,
        bytes32 seed,
        bool held
    ) external {
        Scene memory x = arrange(t, s, a, 0);
        escrow.put(bondOf(x, target, a.sender), held, x.live);
        (bool made,) = send(x, abi.encodeCall(book.challenge, (x.claim, target, seed)));
        checkStep(x, mayChallenge(x, target, seed, held), made);
        if (!made) return;
        BookState memory z = look(x.id);
        assertEq(z.challenged, s.challenged | 1 << target, "challenged");
        assertEq(escrow.live(), x.live + 1, "one bond");
        assertTrue(escrow.held(bondOf(x, target, a.sender)), "the sender's");
        assertEq(escrow.amount(), target == WHOLE_TARGET ? LAYERS * 1 ether : 1 ether, "bond");
    }

    function check_demand(Terms calldata t, BookState calldata s, Around calldata a) external {
        Scene memory x = arrange(t, s, a, 0);
        (bool made,) = send(x, abi.encodeCall(book.demand, (x.claim)));
        checkStep(x, mayDemand(x), made);
        if (!made) return;
        BookState memory z = look(x.id);
        assertEq(z.output, OPEN, "output");
        assertEq(z.outputBy, a.time + x.answerWindow, "until");
    }

    function check_reveal(
        Terms calldata t,
        BookState calldata s,
        Around calldata a,
        uint256 salt,
        bytes3 tokens,
        bytes32 digest
    ) external {
        Scene memory x = arrange(t, s, a, 0);
        digests.set(digest);
        bytes memory call = abi.encodeCall(book.reveal, (x.claim, salt, abi.encodePacked(tokens), ""));
        (bool made,) = send(x, call);
        checkStep(x, mayReveal(x, digest == OUTPUT_DIGEST), made);
        if (!made) return;
        BookState memory z = look(x.id);
        bool own = a.sender == PROVIDER;
        assertEq(z.output, own ? REVEALED : ANSWERED, "output");
        assertEq(z.outputBy, own ? a.time + x.challengeWindow : s.outputBy, "until");
        assertEq(z.status, s.allProven != 0 && !own ? PROVEN : POSTED, "status");
    }

    function check_dispute(
        Terms calldata t,
        BookState calldata s,
        Around calldata a,
        uint256 salt,
        bytes3 tokens,
        bytes32 digest,
        bytes32 revealed
    ) external {
        Scene memory x = arrange(t, s, a, revealed);
        digests.set(digest);
        bool these = keccak256(abi.encodePacked(salt, tokens)) == revealed;
        bytes memory call = abi.encodeCall(book.dispute, (x.claim, salt, abi.encodePacked(tokens)));
        (bool made,) = send(x, call);
        checkStep(x, mayDispute(x, these, digest == OUTPUT_DIGEST), made);
        if (made) assertEq(look(x.id).status, DEFEATED, "status");
    }

    function check_acceptOutput(Terms calldata t, BookState calldata s, Around calldata a) external {
        Scene memory x = arrange(t, s, a, 0);
        (bool made,) = send(x, abi.encodeCall(book.acceptOutput, (x.claim)));
        checkStep(x, mayAccept(x), made);
        if (!made) return;
        BookState memory z = look(x.id);
        assertEq(z.output, ANSWERED, "output");
        assertEq(z.status, s.allProven != 0 ? PROVEN : POSTED, "status");
    }

    function check_timeout(Terms calldata t, BookState calldata s, Around calldata a, uint256 target, uint128 part)
        external
    {
        Scene memory x = arrange(t, s, a, 0);
        market.setPart(part);
        (bool made,) = send(x, abi.encodeCall(book.timeout, (x.claim, target)));
        checkStep(x, mayTimeout(x, target), made);
        if (!made) return;
        BookState memory z = look(x.id);
        assertEq(z.status, DEFEATED, "status");
        assertEq(z.reward, part, "what all share");
    }

    /// @param held Whether the challenger's bond is.
    function check_resolve(
        Terms calldata t,
        BookState calldata s,
        Around calldata a,
        uint256 target,
        address challenger,
        bool held
    ) external {
        Scene memory x = arrange(t, s, a, 0);
        // `check_challenge`: a bond is counted.
        assume(implies(fact(held), ~fact(holdersOf(x, target) == 0)));
        escrow.put(bondOf(x, target, challenger), held, x.live);
        (bool made,) = send(x, abi.encodeCall(book.resolve, (x.claim, target, challenger)));
        checkStep(x, mayResolve(x, target, challenger, held), made);
        if (!made) return;
        assertFalse(escrow.held(bondOf(x, target, challenger)), "the challenger's");
        checkPaid(x, target, challenger);
    }

    /// A claim that was not posted, whatever the call.
    function check_anotherClaim(
        Terms calldata t,
        BookState calldata s,
        Around calldata a,
        Claim calldata claim,
        uint256 kind
    ) external {
        Scene memory x = arrange(t, s, a, 0);
        vm.assume(keccak256(abi.encode(claim)) != x.id);
        bytes memory call;
        if (kind == 0) call = abi.encodeCall(book.finalize, (claim));
        else if (kind == 1) call = abi.encodeCall(book.expireClaim, (claim));
        else if (kind == 2) call = abi.encodeCall(book.voidClaim, (claim));
        else if (kind == 3) call = abi.encodeCall(book.revealDraw, (claim, ""));
        else if (kind == 4) call = abi.encodeCall(book.challenge, (claim, 0, 0));
        else if (kind == 5) call = abi.encodeCall(book.demand, (claim));
        else if (kind == 6) call = abi.encodeCall(book.reveal, (claim, 0, "abc", ""));
        else if (kind == 7) call = abi.encodeCall(book.dispute, (claim, 0, "abc"));
        else if (kind == 8) call = abi.encodeCall(book.acceptOutput, (claim));
        else if (kind == 9) call = abi.encodeCall(book.timeout, (claim, 0));
        else call = abi.encodeCall(book.resolve, (claim, 0, a.sender));
        (bool made,) = send(x, call);
        assertFalse(made);
    }

    // ---------------------------------------------------------------- what follows from the rules

    /// Nobody can be paid and slashed at once, but for a requester who accepts an output that it could have disputed, or
    /// that did not come in time.
    function check_neverPaidAndSlashed(
        Terms calldata t,
        BookState calldata s,
        Around calldata a,
        address settles,
        uint256 set,
        uint256 target,
        bool these,
        bool right
    ) external view {
        Scene memory x = rules(t, s, a);
        Fact slash = maySlash(x, target, these, right);
        x.sender = settles;
        hold(~(maySettle(x, set, true, right) & slash), "paid and slashed");
        Fact accepted = mayAccept(x) & ~fact(s.allProven == 0);
        Fact output = fact(s.output == OPEN) | fact(s.output == REVEALED);
        hold(implies(accepted & slash, output & fact(settles == REQUESTER)), "accepted and slashed");
    }

    /// Who is paid has proven what is due, and nothing is open.
    function check_paidForWhatIsDue(Terms calldata t, BookState calldata s, Around calldata a, uint256 set, bool right)
        external
        view
    {
        Scene memory x = rules(t, s, a);
        Fact pays = maySettle(x, set, true, right) | (mayAccept(x) & ~fact(s.allProven == 0));
        Fact all = ~fact(s.allProven == 0) | (provesAll(x, set) & fact(overdue(x) == 0) & fact(a.time <= x.provenBy));
        Fact window = fact(a.time > x.challengeBy) & fact(openSet(s) == 0) & ~fact(s.output == OPEN);
        Fact drawn = fact(missing(x, s) == 0) & implies(fact(x.mode == AUDITED), ~fact(s.drawn == 0));
        hold(implies(pays, x.usable), "usable");
        hold(implies(pays, all | (window & drawn & ~fact(x.mode == PROOFS))), "due");
    }

    /// Who is slashed was silent for longer than the claim allows, or wrong.
    function check_slashedForSilenceOrWrongTokens(
        Terms calldata t,
        BookState calldata s,
        Around calldata a,
        uint256 target,
        bool these,
        bool right
    ) external view {
        Scene memory x = rules(t, s, a);
        Fact late = ~fact(overdue(x) == 0) | (fact(s.output == OPEN) & fact(a.time > s.outputBy));
        Fact wrong = fact(s.output == REVEALED) & ~fact(right);
        Fact missed = ~fact(missing(x, s) == 0) & fact(a.time > x.provenBy);
        Fact slash = maySlash(x, target, these, right);
        hold(implies(slash, x.usable & (late | wrong | missed)), "why");
        hold(implies(slash, fact(a.time > POSTED_AT + x.answerWindow) | wrong), "when");
    }

    /// After both windows, and a challenge window more, a claim can be ended by somebody, whatever anybody else did.
    function check_anEndIsPossible(Terms calldata t, BookState calldata s, Around calldata a) external view {
        Scene memory x = rules(t, s, a);
        assume(posted(x) & fact(a.time > latest(x)));
        Fact ends = mayVoid(x) | mayFinalize(x) | mayExpire(x) | mayTimeout(x, OUTPUT_TARGET);
        ends = ends | mayTimeout(x, 0) | mayTimeout(x, 1) | mayTimeout(x, 2) | mayTimeout(x, WHOLE_TARGET);
        hold(ends, "stuck");
    }

    // ---------------------------------------------------------------- internal

    function send(Scene memory x, bytes memory data) private returns (bool, bytes memory) {
        vm.prank(x.sender);
        return address(book).call(data);
    }

    function bondOf(Scene memory x, uint256 target, address challenger) private pure returns (bytes32) {
        return keccak256(abi.encode("challenge", x.id, target, challenger));
    }

    function checkPaid(Scene memory x, uint256 target, address challenger) private view {
        BookState memory z = look(x.id);
        Fact output = fact(target == OUTPUT_TARGET);
        Fact part = fact(x.s.status == DEFEATED) & (output | has(openSet(x.s), target));
        assertEq(z.challengers, x.s.challengers - when(part, 1), "parts");
        assertEq(escrow.live(), x.live - when(~output, 1), "one bond");
        uint256 reward = x.s.reward - z.reward;
        Fact rewarded = ~fact(reward == 0);
        hold(implies(rewarded, part & fact(escrow.amount() == reward)), "reward");
        Fact lost = ~output & has(provenSet(x.s), target) & ~fact(x.s.status == VOIDED);
        uint256 to = when(rewarded, uint160(challenger)) | when(lost, uint160(RECIPIENT));
        assertEq(uint160(escrow.paid()), to, "to whom");
    }
}
