// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "../../contracts/interfaces/IAuditBeacon.sol";
import { ClaimHeader, ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { IJobMarket, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { Layer, ModelHeader, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { ClaimStatus, JobStatus, Leaf, Mode, Tree, WHOLE } from "../../contracts/interfaces/Types.sol";
import { Economics } from "../../contracts/libraries/Economics.sol";
import { NodeTree } from "../../contracts/libraries/NodeTree.sol";
import { Programs } from "../../contracts/libraries/Programs.sol";
import { Statement } from "../../contracts/libraries/Statement.sol";
import { Base } from "./Base.t.sol";
import { Headers } from "./support/Headers.sol";

/// @title A verifier that accepts anything, and calls somebody while it is asked
contract ReenteringVerifier {
    address private immutable _target;
    bytes private _call;

    constructor(address target) {
        _target = target;
    }

    function setCall(bytes calldata call_) external {
        _call = call_;
    }

    fallback() external {
        (bool ok,) = _target.call(_call);
        require(!ok, "it got in");
    }
}

/// @title Attacks on what a claim says, and on what proves it
contract AttacksProofsTest is Base {
    /// Most layers of a model.
    uint256 private constant LARGEST = 254;

    // ---------------------------------------------------------------- copied and replayed proofs

    /// Who copies a proof out of the mempool and sends it first pays the gas, and the recipient is paid.
    function test_Attack_CopiedProofPaysTheRecipient() public {
        bytes32 id = _claimedAtOnce();
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        vm.prank(thief);
        book.prove(proofs, _tree(1), proof);
        assertEq(_free(recipient), PRICE);
        assertEq(_free(thief), 10 ether);
    }

    /// The thief is a provider, too, and claims the same output with the honest one's commitments and proofs.
    function test_Attack_CopiedProofIsWorthNothingForTheThiefsClaim() public {
        bytes32 honest = _claimedAtOnce();
        JobRequest memory request = _request(Mode.Proofs);
        request.challengeWindow = 0;
        bytes32 job = _open(request);
        ClaimHeader memory header = _header(_job(honest));
        (header.job, header.recipient) = (job, thief);
        vm.recordLogs();
        vm.startPrank(thief);
        market.lock(job, thief, FAR, "");
        bytes32 stolen = book.post(header, "");
        vm.stopPrank();
        _remember(vm.getRecordedLogs());
        ClaimProof[] memory proofs = _one(_proofOf(honest, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        proofs[0].claim = _claim(stolen);
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, _tree(1), proof);
    }

    /// A proof of several claims is of these, in this order.
    function test_Attack_ReplayInAnotherClaim() public {
        bytes32[3] memory ids = [_claimed(Mode.Optimistic), _claimed(Mode.Optimistic), _claimed(Mode.Optimistic)];
        ClaimProof[] memory proofs = new ClaimProof[](2);
        (proofs[0], proofs[1]) = (_proofOf(ids[0], ALL), _proofOf(ids[1], ALL));
        bytes memory proof = _final(proofs, _tree(2));
        proofs[1].claim = _claim(ids[2]);
        _expectRejected(proofs, _tree(2), proof, IFinalVerifier.ProofRejected.selector);
        (proofs[0], proofs[1]) = (_proofOf(ids[1], ALL), _proofOf(ids[0], ALL));
        _expectRejected(proofs, _tree(2), proof, IFinalVerifier.ProofRejected.selector);
        // Neither is one of two a proof of one of them.
        _expectRejected(_one(_proofOf(ids[0], ALL)), _tree(1), proof, IFinalVerifier.ProofRejected.selector);
        (proofs[0], proofs[1]) = (_proofOf(ids[0], ALL), _proofOf(ids[1], ALL));
        book.prove(proofs, _tree(2), proof);
    }

    /// The proof of one layer's program is none of another's, however its leaf is called.
    function test_Attack_ReplayForAnotherLayer() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 1));
        bytes memory proof = _final(proofs, _tree(1));
        bytes32 digest = proofs[0].leaves[0].digest;
        uint256[2][4] memory programs = [[uint256(0), 1], [uint256(2), 1], [uint256(3), 1], [uint256(0), LAYERS]];
        for (uint256 i = 0; i < 4; ++i) {
            proofs[0].leaves[0] = _leaf(id, programs[i][0], programs[i][1]);
            proofs[0].leaves[0].digest = digest;
            _expectRejected(proofs, _tree(1), proof, IFinalVerifier.ProofRejected.selector);
        }
        assertEq(book.stateOf(id).proven, 0);
    }

    /// A program's layers, key and weights are what the model's root binds.
    function test_Attack_OtherPrograms() public {
        bytes32 id = _claimed(Mode.Optimistic);
        for (uint256 field = 0; field < 6; ++field) {
            ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 1));
            Leaf memory leaf = proofs[0].leaves[0];
            if (field == 0) leaf.program.first = 0;
            else if (field == 1) leaf.program.count = 3;
            else if (field == 2) leaf.program.key = _scalar("my own key");
            else if (field == 3) leaf.program.weights = _scalar("my own weights");
            else if (field == 4) leaf.path[1] = keccak256("my own program");
            else leaf.path = new bytes32[](0);
            _expectRejected(proofs, _tree(1), "", Programs.NotAProgramOfTheModel.selector);
        }
        // No layers at all, and an inner node of the tree in the place of a program.
        ClaimProof[] memory none = _one(_proofOf(id, 1 << 1));
        none[0].leaves[0].program.count = 0;
        _expectRejected(none, _tree(1), "", Programs.LayersOutOfModel.selector);
    }

    /// A model of the same shape has the same programs' keys, but not the registered weights.
    function test_Attack_OtherWeights() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        proofs[0].claim.programs = keccak256("programs with other weights");
        _expectRejected(proofs, _tree(1), "", IClaimBook.UnknownClaim.selector);
        proofs = _one(_proofOf(id, ALL));
        proofs[0].leaves[0].program.weights = _scalar("other weights");
        _expectRejected(proofs, _tree(1), "", Programs.NotAProgramOfTheModel.selector);
    }

    function test_Attack_ReplayOnAnotherChain() public {
        bytes32 id = _claimed(Mode.Optimistic);
        JobRequest memory request = _request(Mode.Optimistic);
        bytes32 job = market.jobIdOf(request);
        bytes32 lockDigest = market.lockDigest(job, provider, FAR);
        bytes32 headerDigest = book.headerDigest(_header(job));
        bytes32 revealDigest = book.revealDigest(job, "output");
        bytes memory signature = _sign(requesterKey, job);
        bytes32 taken = _locked(Mode.Optimistic);
        uint256 snapshot = vm.snapshotState();
        bytes32 statement = _claim(_post(_header(taken))).statement;
        vm.revertToState(snapshot);
        vm.chainId(1337);
        assertNotEq(market.jobIdOf(request), job);
        assertNotEq(market.lockDigest(job, provider, FAR), lockDigest);
        assertNotEq(book.headerDigest(_header(job)), headerDigest);
        assertNotEq(book.revealDigest(job, "output"), revealDigest);
        assertNotEq(_claim(_post(_header(taken))).statement, statement);
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, requester));
        market.open(request, signature);
        assertEq(uint256(book.status(id)), uint256(ClaimStatus.Posted));
    }

    /// The same job and claim in a second deployment: neither signatures nor proofs serve there.
    function test_Attack_ReplayInAnotherDeployment() public {
        nonce = 0;
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        JobRequest memory request = _request(Mode.Optimistic);
        bytes memory signature = _sign(requesterKey, market.jobIdOf(request));
        setUp();
        vm.expectRevert(abi.encodeWithSelector(IJobMarket.BadSignature.selector, requester));
        market.open(request, signature);
        nonce = 0;
        bytes32 other = _claimed(Mode.Optimistic);
        assertNotEq(other, id);
        _expectRejected(proofs, _tree(1), proof, IClaimBook.UnknownClaim.selector);
        proofs[0].claim = _claim(other);
        _expectRejected(proofs, _tree(1), proof, IFinalVerifier.ProofRejected.selector);
    }

    /// One set of activation commitments is what all layers' programs are about: a proof with others answers nothing.
    function test_Attack_BrokenLink() public {
        bytes32 job = _locked(Mode.Optimistic);
        ClaimHeader memory header = _header(job);
        uint256 snapshot = vm.snapshotState();
        bytes32 real = _post(header);
        ClaimProof[] memory proofs = _one(_proofOf(real, 1 << 2));
        bytes memory proof = _final(proofs, _tree(1));
        vm.revertToState(snapshot);
        // What layer 1 really gave is not what was posted.
        header.points[4] ^= 1;
        bytes32 id = _post(header);
        proofs[0].claim = _claim(id);
        _expectRejected(proofs, _tree(1), proof, IFinalVerifier.ProofRejected.selector);
        proofs[0].claim = _claim(real);
        _expectRejected(proofs, _tree(1), proof, IClaimBook.UnknownClaim.selector);
        _challenge(id, 2);
        _after(_answerBy(id, 2));
        _timeout(id, 2);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    // ---------------------------------------------------------------- malformed proofs, gas

    function testFuzz_Attack_MalformedProof(bytes memory proof, uint256 set) public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, bound(set, 1, ALL)));
        Tree memory tree = _treeOver(proofs);
        vm.assume(keccak256(proof) != keccak256(_final(proofs, tree)));
        vm.expectRevert();
        book.prove(proofs, tree, proof);
        assertEq(book.stateOf(id).proven, 0);
        assertFalse(book.stateOf(id).allProven);
    }

    function testFuzz_Attack_EveryByteOfAProofMatters(uint256 place, uint8 by) public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 1));
        bytes memory proof = _final(proofs, _tree(1));
        place = bound(place, 0, proof.length - 1);
        proof[place] ^= bytes1(uint8(bound(by, 1, 255)));
        vm.expectRevert();
        book.prove(proofs, _tree(1), proof);
        assertEq(book.stateOf(id).proven, 0);
    }

    /// Every word of leaves and tree is in the public inputs, or checked.
    function testFuzz_Attack_EveryWordOfATreeMatters(uint256 which, uint256 by) public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, 7));
        Tree memory tree = _tree(3);
        bytes memory proof = _final(proofs, tree);
        (which, by) = (bound(which, 0, 4), bound(by, 1, 1 << 200));
        if (which < 3) proofs[0].leaves[which].digest = bytes32(uint256(proofs[0].leaves[which].digest) ^ by);
        else if (which == 3) tree.digests[0] = bytes32(uint256(tree.digests[0]) ^ by);
        else (proofs[0].leaves[0], proofs[0].leaves[2]) = (proofs[0].leaves[2], proofs[0].leaves[0]);
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, tree, proof);
    }

    function test_Attack_ProofWithMoreOrLess() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        bytes4 wrongLength = IFinalVerifier.WrongProofLength.selector;
        _expectRejected(proofs, _tree(1), bytes.concat(proof, hex"00"), wrongLength);
        _expectRejected(proofs, _tree(1), "", wrongLength);
    }

    /// Numbers that are the same modulo the order of the field are one number: only the least is taken.
    function test_Attack_InstanceAliasing() public {
        bytes32 id = _claimed(Mode.Optimistic);
        uint256 order = Statement.FIELD_ORDER;
        ClaimProof[] memory proofs = _one(_proofOf(id, 7));
        Tree memory tree = _tree(3);
        bytes memory proof = _final(proofs, tree);
        bytes4 notReduced = NodeTree.WordNotReduced.selector;
        proofs[0].leaves[1].digest = bytes32(uint256(proofs[0].leaves[1].digest) + order);
        _expectRejected(proofs, tree, proof, notReduced);
        proofs = _one(_proofOf(id, 7));
        tree.digests[0] = bytes32(uint256(tree.digests[0]) + order);
        _expectRejected(proofs, tree, proof, notReduced);
    }

    /// Two entries that point to one claim and its leaves, and some that point outside.
    function test_Attack_AbiOffsets() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 1));
        bytes memory call = abi.encodeCall(book.prove, (proofs, _tree(1), _final(proofs, _tree(1))));
        // The offset of the only entry is behind the selector, three offsets and the number of entries.
        uint256 place = 4 + 4 * 32;
        uint256[5] memory offsets = [uint256(0), 0x10000, type(uint256).max, 1 << 255, type(uint256).max - 0x1f];
        for (uint256 i = 0; i < offsets.length; ++i) {
            (bool ok,) = address(book).call(_with(call, place, offsets[i]));
            assertFalse(ok);
        }
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = 0; j < offsets.length; ++j) {
                (bool ok,) = address(book).call(_with(call, 4 + 32 * i, offsets[j]));
                assertFalse(ok);
            }
        }
        assertEq(book.stateOf(id).proven, 0);
        // Twice the same entry is two leaves, of which one proof is none.
        ClaimProof[] memory two = new ClaimProof[](2);
        (two[0], two[1]) = (proofs[0], proofs[0]);
        bytes memory twice = abi.encodeCall(book.prove, (two, _tree(2), _final(two, _tree(2))));
        bytes memory aliased = _with(twice, place + 32, 0x40);
        (bool same,) = address(book).call(aliased);
        assertTrue(same, "the same calldata, by another offset");
        assertEq(book.stateOf(id).proven, 1 << 1);
    }

    function _with(bytes memory data, uint256 place, uint256 word) private pure returns (bytes memory changed) {
        changed = bytes.concat(data);
        assembly ("memory-safe") {
            mstore(add(add(changed, 0x20), place), word)
        }
    }

    /// Too little gas reverts all of it; it never marks a layer halfway, nor calls a proof false.
    function testFuzz_Attack_GasStarvedVerification(uint256 gas_) public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        ClaimProof[] memory proofs = _one(_proofOf(id, 1 << 1));
        bytes memory call = abi.encodeCall(book.prove, (proofs, _tree(1), _final(proofs, _tree(1))));
        (bool ok, bytes memory reason) = address(book).call{ gas: bound(gas_, 1_000, 500_000) }(call);
        assertEq(book.stateOf(id).proven, ok ? 1 << 1 : 0);
        assertEq(_openCount(id), ok ? 0 : 1);
        assertEq(_free(recipient), 0);
        // forge-lint: disable-next-line(unsafe-typecast) the selector
        assertNotEq(bytes4(reason), IFinalVerifier.ProofRejected.selector);
    }

    /// Whatever a version's verifier does while it is asked, it changes nothing.
    function test_Attack_ReentrantVerifier() public {
        ReenteringVerifier again = new ReenteringVerifier(address(book));
        version = registry.register(_modelHeader("model"), _layers(), _policy(ETH), address(again), "");
        bytes32 id = _claimedAtOnce();
        bytes32 other = _claimed(Mode.Optimistic);
        _after(_challengeBy(other));
        bytes memory finalizing = abi.encodeCall(book.finalize, (_claim(other)));
        bytes memory proving = abi.encodeCall(book.prove, (_one(_proofOf(id, ALL)), _tree(1), ""));
        again.setCall(finalizing);
        (bool ok,) = address(book).call(proving);
        assertTrue(ok);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        _assertClaim(other, ClaimStatus.Posted, JobStatus.Claimed);
        assertEq(_free(recipient), PRICE);
        (ok,) = address(book).call(finalizing);
        assertTrue(ok, "only the static call kept it out");
    }

    // ---------------------------------------------------------------- the draw

    /// The draw's block is fixed by the claim, and later than it; a job is claimed once.
    function test_Attack_CommitmentsAfterTheSeed() public {
        bytes32 id = _claimed(Mode.Audited);
        uint64 number = _terms(id).drawBlock;
        assertGt(number, block.number);
        bytes memory rlp = Headers.encode(number, "seed");
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.TooEarly.selector, number));
        book.revealDraw(_claim(id), rlp);
        _draw(id, 2);
        bytes32 job = _job(id);
        ClaimHeader memory header = _header(job);
        header.points[0] = 7;
        vm.prank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, job, JobStatus.Locked, JobStatus.Claimed)
        );
        book.post(header, "");
    }

    /// No other block's header draws.
    function test_Attack_HeaderOfAnotherBlock() public {
        bytes32 id = _claimed(Mode.Audited);
        uint64 number = _terms(id).drawBlock;
        bytes memory right = Headers.encode(number, "seed");
        bytes memory wrong = Headers.encode(number, "better seed");
        vm.roll(number + 2);
        vm.setBlockhash(number, keccak256(right));
        vm.expectRevert(abi.encodeWithSelector(IAuditBeacon.WrongHeader.selector, keccak256(right), keccak256(wrong)));
        book.revealDraw(_claim(id), wrong);
        assertFalse(book.stateOf(id).revealed);
    }

    /// Other commitments under the same seed are another draw: it cannot be computed before they are posted.
    function test_Attack_GrindingNeedsTheSeed() public {
        bytes32 id = _claimed(Mode.Audited);
        uint256 drawn = 0;
        for (uint256 i = 0; i < 200; ++i) {
            drawn |= registry.draw(version, "seed", keccak256(abi.encode(id, i)));
        }
        assertEq(drawn, ALL);
    }

    /// The last layer has the least weight, a quarter of an even share. It is drawn as often as its weight says, then it
    /// must be proven, and the stake is such that cheating on it loses money on average.
    function test_Attack_CheatingOnTheLightestLayer() public {
        uint256 hits = 0;
        for (uint256 i = 0; i < 2_000; ++i) {
            if (registry.draw(version, keccak256(abi.encode(i)), "claim") == 1 << 3) ++hits;
        }
        uint256 p = Economics.inclusion(registry.auditWeights(version)[3], 1_000_000, 1);
        assertApproxEqRel(hits * 1e18 / 2_000, p, 0.2e18);

        bytes32 id = _claimed(Mode.Audited);
        _draw(id, 3);
        _prove(id, 7);
        _after(_provenBy(id));
        _expireClaim(id);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        Policy memory policy = registry.policy(version);
        uint256 kept = policy.stake * Economics.CHALLENGER_BPS / 10_000;
        assertGt(p * (policy.stake - kept), (1e18 - p) * (policy.maxPrice + policy.externalGain));
    }

    // ---------------------------------------------------------------- loops

    /// The largest model, all of whose layers are challenged: every transaction fits into a block's 16.7 M, by far.
    function test_Attack_UnboundedLoops() public {
        version = _registerLargest();
        bytes32 id = _claimed(Mode.Audited);
        bytes32 other = _claimed(Mode.Audited);
        _fund(challenger, 1_100 * BOND, 0);
        _challengeAll(id);
        _challengeAll(other);
        uint64 number = _terms(id).drawBlock;
        bytes memory rlp = Headers.encode(number, "seed");
        vm.roll(number + 1);
        vm.setBlockhash(number, keccak256(rlp));
        _assertFits(abi.encodeCall(book.revealDraw, (_claim(id), rlp)));
        assertEq(book.stateOf(id).drawn, type(uint256).max >> 2);

        ClaimProof[] memory proofs = new ClaimProof[](1);
        (proofs[0].claim, proofs[0].leaves) = (_claim(id), new Leaf[](1));
        bytes32[] memory path = new bytes32[](1);
        path[0] = _programLeaf(_program(LARGEST - 1, 1));
        proofs[0].leaves[0] = Leaf(_program(0, LARGEST), _scalar("leaf"), path);
        _assertFits(abi.encodeCall(book.prove, (proofs, _tree(1), _final(proofs, _tree(1)))));
        _accept(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_openCount(id), 0);

        _after(_answerBy(other, 7));
        _assertFits(abi.encodeCall(book.timeout, (_claim(other), 7)));
        assertEq(book.stateOf(other).challengers, 256);
        lens.describeClaim(_claim(other));
        assertLt(vm.lastCallGas().gasTotalUsed, 4_000_000);
    }

    /// Its programs are one of all layers, and one of the last.
    function _registerLargest() private returns (bytes32) {
        Layer[] memory layers = new Layer[](LARGEST);
        for (uint256 l = 0; l < LARGEST; ++l) {
            layers[l] = _layer(10_000);
        }
        Policy memory policy = _policy(ETH);
        policy.audits = uint16(LARGEST);
        ModelHeader memory model = _modelHeader("large");
        model.layers = uint16(LARGEST);
        model.programs = _parent(_programLeaf(_program(0, LARGEST)), _programLeaf(_program(LARGEST - 1, 1)));
        return registry.register(model, layers, policy, address(verifier), "");
    }

    function _challengeAll(bytes32 id) private {
        for (uint256 l = 0; l < LARGEST; ++l) {
            _challenge(id, l);
        }
        _challenge(id, WHOLE);
        _demand(id);
        assertEq(_openCount(id), LARGEST + 2);
    }

    function _assertFits(bytes memory call) private {
        (bool ok,) = address(book).call(call);
        assertTrue(ok);
        assertLt(vm.lastCallGas().gasTotalUsed, 4_000_000);
    }

    function _expectRejected(ClaimProof[] memory proofs, Tree memory tree, bytes memory proof, bytes4 selector)
        private
    {
        vm.expectPartialRevert(selector);
        book.prove(proofs, tree, proof);
    }
}
