// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IModelRegistry } from "../../contracts/interfaces/IModelRegistry.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Mode, OUTPUT, WHOLE } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";

/// @title What a frozen verifier undoes, and what it does not
contract AttacksFreezeTest is Base {
    bytes private unusable;

    function setUp() public override {
        super.setUp();
        unusable = abi.encodeWithSelector(IClaimBook.VerifierUnusable.selector, address(verifier));
    }

    // ---------------------------------------------------------------- forged proofs

    /// The verifier accepts anything, and is frozen before the claim is over: nobody is paid for what was proven, whatever
    /// the mode and however it would end.
    function test_Attack_ForgedProofIsNotPaidOnceFrozen() public {
        for (uint256 mode = 0; mode < 3; ++mode) {
            uint256 snapshot = vm.snapshotState();
            bytes32 id = _claimed(Mode(mode));
            _proveAll(id);
            _freeze();
            vm.prank(requester);
            vm.expectRevert(unusable);
            book.acceptOutput(_claim(id));
            _after(_provenBy(id));
            vm.expectRevert(unusable);
            book.finalize(_claim(id));
            _void(id);
            _assertClaim(id, ClaimStatus.Voided, JobStatus.Refunded);
            assertEq(_free(recipient), 0);
            assertEq(_free(requester), 100 ether);
            vm.revertToState(snapshot);
        }
    }

    /// A forged proof that answers challenges earns no bonds: challengers have theirs back.
    function test_Attack_ForgedProofTakesNoBond() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 2);
        _challenge(id, 2, thief);
        _challenge(id, WHOLE, thief);
        _prove(id, 1 << 2);
        _assertChallenge(id, 2, ChallengeStatus.Answered);
        _freeze();
        _void(id);
        _assertClaim(id, ClaimStatus.Voided, JobStatus.Refunded);
        _assertChallenge(id, WHOLE, ChallengeStatus.Cancelled);
        vm.expectEmit(address(book));
        emit IClaimBook.ChallengeResolved(id, 2, challenger, challenger, 0);
        _collect(id);
        assertEq(_free(challenger), 10 ether);
        assertEq(_free(thief), 10 ether);
        assertEq(_free(recipient), 0);
    }

    /// The same if all layers were proven, which is noted elsewhere.
    function test_Attack_ForgedProofOfAllTakesNoBond() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 2);
        _challenge(id, WHOLE, thief);
        _proveAll(id);
        _freeze();
        _void(id);
        _collect(id);
        assertEq(_free(challenger), 10 ether);
        assertEq(_free(thief), 10 ether);
        assertEq(_free(recipient), 0);
    }

    /// What is paid is paid: with a waived window a proof settles before anybody can look.
    function test_Freeze_AfterTheEndComesTooLate() public {
        bytes32 id = _claimedAtOnce();
        _proveAll(id);
        _freeze();
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(lens.explainStatus(_claim(id)), "Proven: every layer is proven, and the price is paid.");
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, id, ClaimStatus.Proven));
        book.voidClaim(_claim(id));
        assertEq(_free(recipient), PRICE);
    }

    /// Bonds of a claim that was over go where they would have gone.
    function test_Freeze_AfterTheEndMovesNoBond() public {
        bytes32 answered = _claimed(Mode.Optimistic);
        bytes32 defeated = _claimed(Mode.Optimistic);
        _challenge(answered, 1);
        _challenge(defeated, 1);
        _prove(answered, 1 << 1);
        _after(_answerBy(defeated, 1));
        _timeout(defeated, 1);
        _finalize(answered);
        _freeze();
        _collect(answered);
        _collect(defeated);
        assertEq(_free(recipient), PRICE + BOND);
        assertEq(_free(challenger), 10 ether - BOND + STAKE * 4 / 10);
    }

    // ---------------------------------------------------------------- who is late

    /// A provider whose proof is ready when the verifier is frozen is not slashed, however late it is.
    function test_Attack_FreezeBeforeProveDoesNotSlash() public {
        bytes32 proofs = _claimed(Mode.Proofs);
        bytes32 audited = _claimed(Mode.Audited);
        bytes32 challenged = _claimed(Mode.Optimistic);
        bytes32 demanded = _claimed(Mode.Optimistic);
        _challenge(challenged, 0);
        _demand(demanded);
        ClaimProof[] memory entries = _one(_proofOf(proofs, ALL));
        bytes memory proof = _final(entries, _tree(1));
        vm.warp(_provenBy(proofs));
        _freeze();
        vm.expectRevert(unusable);
        book.prove(entries, _tree(1), proof);
        _after(_provenBy(audited));
        vm.expectRevert(unusable);
        book.expireClaim(_claim(proofs));
        vm.expectRevert(unusable);
        book.expireClaim(_claim(audited));
        vm.expectRevert(unusable);
        book.timeout(_claim(challenged), 0);
        vm.expectRevert(unusable);
        book.timeout(_claim(demanded), OUTPUT);
        bytes32[4] memory ids = [proofs, audited, challenged, demanded];
        for (uint256 i = 0; i < 4; ++i) {
            _void(ids[i]);
            _collect(ids[i]);
        }
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
        assertEq(_free(requester), 100 ether);
        assertEq(_free(challenger), 10 ether);
    }

    /// Wrong tokens convict nobody either once nothing can be proven.
    function test_Freeze_NoDisputeEndsAClaim() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        _reveal(id, SALT, hex"000011000001");
        _freeze();
        vm.prank(requester);
        vm.expectRevert(unusable);
        book.dispute(_claim(id), SALT, hex"000011000001");
        _void(id);
        assertEq(escrow.bonded(provider, ETH), 30 * STAKE);
    }

    // ---------------------------------------------------------------- what is frozen

    /// A verifier whose code has become another is as good as frozen; and so is one whose code is gone.
    function test_Attack_SubstitutedVerifierProvesNothing() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        bytes memory code = address(verifier).code;
        bytes[2] memory codes = [address(new ScriptedVerifier(1)).code, bytes("")];
        for (uint256 i = 0; i < 2; ++i) {
            vm.etch(address(verifier), codes[i]);
            assertFalse(registry.usable(version));
            vm.expectRevert(unusable);
            book.prove(proofs, _tree(1), proof);
        }
        vm.etch(address(verifier), code);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.StillUsable.selector, id));
        book.voidClaim(_claim(id));
        vm.etch(address(verifier), codes[1]);
        _void(id);
        assertEq(_free(requester), 100 ether);
    }

    /// A freeze is of one verifier: claims under another go on.
    function test_Freeze_OfAnotherVerifierChangesNothing() public {
        address other = address(new ScriptedVerifier(7));
        registry.register(_modelHeader("other"), _layers(), _policy(ETH), other, "");
        bytes32 id = _claimed(Mode.Optimistic);
        vm.prank(guardian);
        registry.freeze(other, "");
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.StillUsable.selector, id));
        book.voidClaim(_claim(id));
        _proveAll(id);
        _accept(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierAlreadyFrozen.selector, other));
        registry.freeze(other, "");
    }
}
