// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Challenge, Claim, ClaimHeader, ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Leaf, Mode, Tree, WHOLE } from "../../contracts/interfaces/Types.sol";
import { FoldKeys } from "../../contracts/libraries/FoldKeys.sol";
import { NodeTree } from "../../contracts/libraries/NodeTree.sol";
import { Programs } from "../../contracts/libraries/Programs.sol";
import { Base } from "./Base.t.sol";

/// @title One final proof for any layers of any claims
contract ProveTest is Base {
    uint256 private constant R =
        21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617;

    /// What says a list, from its definition.
    function _say(bytes32 tag, bytes32 digest, uint256[] memory words) private pure returns (uint256 r, uint256 c) {
        r = uint256(keccak256(abi.encodePacked(tag, digest, words))) % R;
        for (uint256 i = 0; i < words.length; ++i) {
            c = addmod(mulmod(c, r, R), words[i], R);
        }
    }

    /// A node over a joint proof, from its definition.
    function _node(bytes32 id, Leaf memory leaf) private view returns (uint256[4] memory node) {
        return _node(_claim(id), leaf, _claim(id).statement, [uint256(3), 2]);
    }

    /// That says another statement, or other numbers of tokens, than the claim's.
    function _node(Claim memory c, Leaf memory leaf, bytes32 statement, uint256[2] memory counts)
        private
        pure
        returns (uint256[4] memory node)
    {
        uint256[] memory words = new uint256[](10);
        words[0] = uint256(statement) >> 128;
        words[1] = uint256(statement) % 2 ** 128;
        words[2] = uint256(c.inputDigest);
        words[3] = uint256(c.outputDigest);
        (words[4], words[5]) = (counts[0], counts[1]);
        words[6] = uint256(leaf.program.weights);
        (words[7], words[8], words[9]) = (uint256(c.activations), c.point, c.fingerprint);
        node[0] = uint256(leaf.program.key);
        node[1] = uint256(leaf.digest);
        (node[2], node[3]) = _say("nanozk said", leaf.digest, words);
    }

    /// The claim's statement, but for numbers of tokens.
    function _statement(Claim memory c, uint256[2] memory counts) private view returns (bytes32) {
        bytes memory words = abi.encode(block.chainid, address(book), c.job, recipient, registry.modelId(version));
        words = bytes.concat(words, abi.encode(c.inputDigest, c.outputDigest, counts, bytes32(0)));
        return keccak256(bytes.concat("nanozk-statement-3", words));
    }

    function _over(uint256[4][] memory nodes, bytes32 digest) private pure returns (uint256[4] memory node) {
        uint256[] memory words = new uint256[](4 * nodes.length);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = nodes[i / 4][i % 4];
        }
        node[0] = uint256(FoldKeys.over(nodes.length));
        node[1] = uint256(digest);
        (node[2], node[3]) = _say("nanozk said", digest, words);
    }

    function _assertInputs(ClaimProof[] memory proofs, Tree memory tree, uint256[4] memory expected) private view {
        assertEq(abi.encode(lens.publicInputsOf(proofs, tree)), abi.encode(expected));
    }

    function test_Post_KeepsWhatSaysTheActivations() public {
        bytes32 job = _locked(Mode.Proofs);
        ClaimHeader memory header = _header(job);
        Claim memory c = _claim(_post(header));
        (uint256 r, uint256 f) = _say("nanozk activations", header.activations, header.points);
        assertEq(c.point, r);
        assertEq(c.fingerprint, f);
        assertEq(c.job, job);
        bytes memory parts = abi.encode(
            block.chainid,
            address(book),
            job,
            recipient,
            registry.modelId(version),
            INPUT_DIGEST,
            header.outputDigest,
            uint256(3),
            uint256(2),
            bytes32(0)
        );
        assertEq(c.statement, keccak256(bytes.concat("nanozk-statement-3", parts)));
    }

    function test_PublicInputs_OfOneLeaf() public {
        bytes32 id = _claimedAtOnce();
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        _assertInputs(proofs, _tree(1), _node(id, proofs[0].leaves[0]));
    }

    /// Two claims, the first by two layers' programs: ((a, b), c).
    function test_PublicInputs_OfATree() public {
        ClaimProof[] memory proofs = new ClaimProof[](2);
        (bytes32 one, bytes32 two) = (_claimedAtOnce(), _claimedAtOnce());
        proofs[0] = _proofOf(one, 5);
        proofs[1] = _proofOf(two, ALL);
        Tree memory tree = Tree(hex"0000020002", new bytes32[](2));
        (tree.digests[0], tree.digests[1]) = (_scalar("below"), _scalar("above"));

        uint256[4][] memory pair = new uint256[4][](2);
        (pair[0], pair[1]) = (_node(one, proofs[0].leaves[0]), _node(one, proofs[0].leaves[1]));
        pair[0] = _over(pair, tree.digests[0]);
        pair[1] = _node(two, proofs[1].leaves[0]);
        _assertInputs(proofs, tree, _over(pair, tree.digests[1]));
    }

    function test_Prove_InAnyParts() public {
        bytes32 id = _claimedAtOnce();
        _prove(id, 5);
        assertEq(book.stateOf(id).proven, 5);
        _prove(id, 8);
        _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
        _prove(id, 2);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
    }

    function test_Prove_PassesOverWhatIsOver() public {
        ClaimProof[] memory proofs = new ClaimProof[](3);
        (bytes32 one, bytes32 two) = (_claimedAtOnce(), _claimedAtOnce());
        (proofs[0], proofs[1], proofs[2]) = (_proofOf(one, ALL), _proofOf(two, ALL), _proofOf(two, ALL));
        _proveAll(one);
        _send(proofs);
        _assertClaim(two, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), 2 * PRICE);

        Tree memory tree = _treeOver(proofs);
        bytes memory proof = _final(proofs, tree);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, one, ClaimStatus.Proven));
        book.prove(proofs, tree, proof);
    }

    function test_Prove_RefusesTheProofOfAnotherClaim() public {
        ClaimProof[] memory proofs = _one(_proofOf(_claimedAtOnce(), ALL));
        bytes memory proof = _final(proofs, _tree(1));
        proofs[0] = _proofOf(_claimedAtOnce(), ALL);
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, _tree(1), proof);
    }

    /// A job orders exact numbers of tokens. A proof about an answer of another length, in its list, in its statement or
    /// in both, is none of the claim's: the inputs that the book computes are those of the order.
    function testFuzz_Prove_RefusesOtherCounts(uint256 ordered, uint256 proved) public {
        uint256[2] memory own = _counts(ordered);
        uint256[2] memory other = _counts(proved);
        bytes32 id = _claimedOf(own);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes32 statement = _statement(_claim(id), own);
        assertEq(_claim(id).statement, statement);
        _assertInputs(proofs, _tree(1), _nodeOf(id, statement, own));
        if (own[0] != other[0] || own[1] != other[1]) {
            bytes32 another = _statement(_claim(id), other);
            assertNotEq(another, statement);
            _refuses(proofs, _nodeOf(id, another, other));
            _refuses(proofs, _nodeOf(id, statement, other));
            _refuses(proofs, _nodeOf(id, another, own));
        }
        book.prove(proofs, _tree(1), verifier.script(_nodeOf(id, statement, own)));
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    /// A claim that is settled by proofs alone, of a job that orders so many tokens of an answer to so many.
    function _claimedOf(uint256[2] memory counts) private returns (bytes32) {
        JobRequest memory request = _request(Mode.Proofs);
        request.challengeWindow = 0;
        (request.promptTokens, request.newTokens) = (uint32(counts[0]), uint32(counts[1]));
        bytes32 job = _open(request);
        _lock(job);
        return _post(_header(job));
    }

    /// A node over a proof of all layers.
    function _nodeOf(bytes32 id, bytes32 statement, uint256[2] memory counts) private view returns (uint256[4] memory) {
        return _node(_claim(id), _leaf(id, 0, LAYERS), statement, counts);
    }

    function _refuses(ClaimProof[] memory proofs, uint256[4] memory node) private {
        bytes memory proof = verifier.script(node);
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        book.prove(proofs, _tree(1), proof);
    }

    /// Numbers of tokens, of the prompt and generated, that a session of eight positions has.
    function _counts(uint256 seed) private pure returns (uint256[2] memory counts) {
        counts[0] = 1 + seed % 7;
        counts[1] = 1 + (seed >> 128) % (8 - counts[0]);
    }

    function test_Prove_RefusesAClaimThatWasNotPosted() public {
        ClaimProof[] memory proofs = _one(_proofOf(_claimedAtOnce(), ALL));
        bytes memory proof = _final(proofs, _tree(1));
        proofs[0].claim.recipient = thief;
        vm.expectRevert(
            abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, keccak256(abi.encode(proofs[0].claim)))
        );
        book.prove(proofs, _tree(1), proof);
    }

    function test_Prove_RefusesProgramsOfNoModel() public {
        ClaimProof[] memory proofs = _one(_proofOf(_claimedAtOnce(), 2));
        proofs[0].leaves[0].program.first = 2;
        bytes32 leaf = _programLeaf(proofs[0].leaves[0].program);
        bytes32 root = proofs[0].claim.programs;
        vm.expectRevert(abi.encodeWithSelector(Programs.NotAProgramOfTheModel.selector, root, leaf));
        book.prove(proofs, _tree(1), "");
        proofs[0].leaves[0].program.first = 4;
        vm.expectRevert(abi.encodeWithSelector(Programs.LayersOutOfModel.selector, 4, 1, LAYERS));
        book.prove(proofs, _tree(1), "");
    }

    function test_Prove_RefusesMalformedTrees() public {
        ClaimProof[] memory proofs = _one(_proofOf(_claimedAtOnce(), 7));
        bytes32[] memory one = new bytes32[](1);
        _refuses(proofs, Tree("", new bytes32[](0)), 0);
        _refuses(proofs, Tree(hex"0000", new bytes32[](0)), 2);
        _refuses(proofs, Tree(hex"00000000", new bytes32[](0)), 3);
        _refuses(proofs, Tree(hex"00000003", new bytes32[](0)), 3);
        _refuses(proofs, Tree(hex"00000004", one), 3);
        _refuses(proofs, Tree(hex"000003", one), 2);
        _refuses(proofs, Tree(hex"00000002", one), 4);
        // Over some of the leaves only.
        _refuses(proofs, Tree(hex"00", new bytes32[](0)), 1);
        _refuses(proofs, Tree(hex"000002", one), 3);
        _refuses(proofs, Tree(hex"00000003", new bytes32[](2)), 4);
        proofs[0].leaves[1].digest = bytes32(R);
        vm.expectRevert(abi.encodeWithSelector(NodeTree.WordNotReduced.selector, 0));
        book.prove(proofs, Tree(hex"00000003", one), "");
    }

    function _refuses(ClaimProof[] memory proofs, Tree memory tree, uint256 position) private {
        vm.expectRevert(abi.encodeWithSelector(NodeTree.MalformedTree.selector, position));
        book.prove(proofs, tree, "");
    }

    function test_Challenge_AnsweredBondGoesToTheRecipient() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        _prove(id, 2);
        assertEq(uint256(book.challengeOf(id, 1).status), uint256(ChallengeStatus.Answered));
        _after(_challengeBy(id));
        _finalize(id);
        _assertClaim(id, ClaimStatus.Finalized, JobStatus.Settled);
        _resolve(id, 1, challenger);
        assertEq(_free(recipient), PRICE + BOND);
    }

    function test_Challenge_SilenceLoses() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        vm.prank(thief);
        book.challenge(_claim(id), WHOLE, SEED);
        _demand(id);
        uint256 before = _free(requester);
        _after(book.challengeOf(id, 1).answerBy);
        _timeout(id, 1);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        assertEq(_free(requester), before + PRICE + STAKE * 3 / 10);
        _resolve(id, 1, challenger);
        _resolve(id, WHOLE, thief);
        _resolve(id, 256, requester);
        uint256 part = uint256(STAKE) * 4 / 10 / 3;
        assertEq(_free(challenger), 10 ether + part);
        assertEq(_free(thief), 10 ether + part);
        assertEq(_free(address(book)), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotChallenged.selector, id, 256));
        book.resolve(_claim(id), 256, requester);
    }

    function test_Challenge_OfAllIsAnsweredByAll() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, WHOLE);
        _prove(id, 7);
        assertEq(uint256(book.challengeOf(id, WHOLE).status), uint256(ChallengeStatus.Open));
        _prove(id, 8);
        Challenge memory c = book.challengeOf(id, WHOLE);
        assertEq(uint256(c.status), uint256(ChallengeStatus.Answered));
        _accept(id);
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
        _resolve(id, WHOLE, challenger);
        assertEq(_free(recipient), PRICE + LAYERS * BOND);
    }

    function test_Prove_CannotAnswerWhatIsOverdue() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        uint64 answerBy = book.challengeOf(id, 1).answerBy;
        vm.warp(answerBy + 1);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.AnswerWindowOver.selector, id, 1, answerBy));
        book.prove(proofs, _tree(1), proof);
        _prove(id, 8);
    }

    function test_Draw_AuditedClaims() public {
        bytes32 id = _claimed(Mode.Audited);
        _draw(id, 2);
        assertEq(book.stateOf(id).drawn, 4);
        _after(_challengeBy(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.DrawnLayersMissing.selector, id, 1));
        book.finalize(_claim(id));
        _prove(id, 4);
        _finalize(id);
        _assertClaim(id, ClaimStatus.Finalized, JobStatus.Settled);
    }

    function test_Expire_ProofsThatAreMissing() public {
        bytes32 id = _claimed(Mode.Proofs);
        _prove(id, 7);
        _after(_provenBy(id));
        _expireClaim(id);
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        assertEq(escrow.burned(ETH), uint256(STAKE) * 7 / 10);
    }

    function test_Output_RevealedDisputedDefeats() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        uint32[] memory wrong = _tokens();
        wrong[0] = 18;
        _reveal(id, SALT, _pack(wrong));
        vm.prank(requester);
        book.dispute(_claim(id), SALT, _pack(wrong));
        _assertClaim(id, ClaimStatus.Defeated, JobStatus.Slashed);
        _resolve(id, 256, requester);
    }

    function test_Output_RevealedByAnybody() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _demand(id);
        _proveAll(id);
        _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
        vm.prank(thief);
        book.reveal(_claim(id), SALT, _pack(_tokens()), "");
        _assertClaim(id, ClaimStatus.Proven, JobStatus.Settled);
    }

    function test_Freeze_OnlyVoidingEnds() public {
        bytes32 id = _claimed(Mode.Optimistic);
        _challenge(id, 1);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        _freeze();
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.VerifierUnusable.selector, address(verifier)));
        book.prove(proofs, _tree(1), proof);
        _after(_provenBy(id));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.VerifierUnusable.selector, address(verifier)));
        book.timeout(_claim(id), 1);
        _void(id);
        _assertClaim(id, ClaimStatus.Voided, JobStatus.Refunded);
        _resolve(id, 1, challenger);
        assertEq(_free(challenger), 10 ether);
        assertEq(_free(requester), 100 ether);
    }

    function test_Lens_ChecksAndExplains() public {
        bytes32 id = _claimed(Mode.Optimistic);
        ClaimProof[] memory proofs = _one(_proofOf(id, ALL));
        bytes memory proof = _final(proofs, _tree(1));
        (bool valid,,) = lens.checkProof(proofs, _tree(1), proof);
        assertTrue(valid);
        bytes memory reason;
        proof[7] ^= 0x01;
        (valid, reason,) = lens.checkProof(proofs, _tree(1), proof);
        assertFalse(valid);
        assertEq(bytes4(reason), IFinalVerifier.ProofRejected.selector);
        _challenge(id, 1);
        (string memory who, string memory what,) = lens.nextAction(_claim(id));
        assertEq(who, "provider");
        assertEq(what, "prove for layer 1");
        assertEq(
            lens.explainStatus(_claim(id)),
            string.concat(
                "Posted 0 s ago in the optimistic mode: 0 of 4 layers are proven, 1 challenge is open. Next: provider, ",
                "prove for layer 1, until 1700007200 (7200 s left)."
            )
        );
        assertEq(lens.describeClaim(_claim(id)).openChallenges, 1);
    }
}
