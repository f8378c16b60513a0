// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimHeader, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { Terms } from "../../contracts/interfaces/IClaimLens.sol";
import { IJobMarket, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ClaimStatus, JobStatus, Mode } from "../../contracts/interfaces/Types.sol";
import { NodeTree } from "../../contracts/libraries/NodeTree.sol";
import { Statement, StatementParts } from "../../contracts/libraries/Statement.sol";
import { Base } from "./Base.t.sol";

/// @title How claims are posted, and what they are
contract ClaimBookTest is Base {
    function test_Post_SaysWhatWasClaimed() public {
        bytes32 job = _locked(Mode.Optimistic);
        ClaimHeader memory header = _header(job);
        bytes32 id = _post(header);
        Claim memory c = _claim(id);
        assertEq(id, keccak256(abi.encode(c)));
        assertEq(id, book.idOf(c));
        _assertClaim(id, ClaimStatus.Posted, JobStatus.Claimed);
        assertEq(c.job, job);
        assertEq(c.recipient, recipient);
        assertEq(c.verifier, address(verifier));
        assertEq(c.programs, _programsRoot());
        assertEq(c.inputDigest, INPUT_DIGEST);
        assertEq(c.outputDigest, header.outputDigest);
        assertEq(c.activations, header.activations);
        assertEq(c.seedDigest, header.seedDigest);
        assertEq(c.asset, ETH);
        assertEq(c.terms, 3 | 2 << 32 | LAYERS << 64 | uint256(1) << 80 | uint256(BOND) << 88);
        assertEq(c.times, block.timestamp | uint256(WINDOW) << 64 | uint256(ANSWER) << 96);
        Terms memory t = _terms(id);
        assertEq(t.promptTokens, 3);
        assertEq(t.newTokens, 2);
        assertEq(t.layers, LAYERS);
        assertEq(uint256(t.mode), uint256(Mode.Optimistic));
        assertEq(t.challengeBond, BOND);
        assertEq(t.postedAt, block.timestamp);
        assertEq(t.challengeWindow, WINDOW);
        assertEq(t.answerWindow, ANSWER);
        assertEq(t.drawBlock, 0);
        assertEq(t.challengeBy, block.timestamp + WINDOW);
        assertEq(t.provenBy, block.timestamp + WINDOW + ANSWER);
        assertEq(abi.encode(book.stateOf(id)).length, 11 * 32);
        assertEq(book.stateOf(id).proven | book.stateOf(id).challenged | book.stateOf(id).drawn, 0);
    }

    function test_Post_EmitsClaimAndPoints() public {
        ClaimHeader memory header = _header(_locked(Mode.Audited));
        uint256 snapshot = vm.snapshotState();
        bytes32 id = _post(header);
        Claim memory posted = _claim(id);
        vm.revertToState(snapshot);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimPosted(id, header.job, provider, posted, header.points);
        vm.prank(provider);
        assertEq(book.post(header, ""), id);
    }

    function test_Post_ProviderNeedsNoSignature() public {
        ClaimHeader memory header = _header(_locked(Mode.Optimistic));
        vm.prank(provider);
        bytes32 id = book.post(header, "");
        assertEq(uint256(book.status(id)), uint256(ClaimStatus.Posted));
    }

    function test_Post_FixesADrawInTheAuditedModeOnly() public {
        assertEq(_terms(_claimed(Mode.Audited)).drawBlock, block.number + BEACON_DELAY);
        assertEq(_terms(_claimed(Mode.Optimistic)).drawBlock, 0);
        assertEq(_terms(_claimed(Mode.Proofs)).drawBlock, 0);
    }

    function test_Post_EveryFieldIsSigned() public {
        bytes32 job = _locked(Mode.Optimistic);
        bytes32 other = _locked(Mode.Optimistic);
        bytes memory signature = _sign(providerKey, book.headerDigest(_header(job)));
        bytes memory refused = abi.encodeWithSelector(IClaimBook.BadSignature.selector, provider);
        for (uint256 field = 0; field < 8; ++field) {
            ClaimHeader memory header = _header(job);
            if (field == 0) header.job = other;
            else if (field == 1) header.outputDigest = bytes32(uint256(header.outputDigest) ^ 1);
            else if (field == 2) header.recipient = thief;
            else if (field == 3) header.seedDigest = keccak256("other");
            else if (field == 4) header.activations = bytes32(uint256(header.activations) ^ 1);
            else if (field == 5) header.points[0] ^= 1;
            else if (field == 6) header.points[header.points.length - 1] ^= 1;
            else header.points = new uint256[](3);
            _expectPost(header, signature, refused);
        }
    }

    function test_Post_DigestIsThatOfTheTypedData() public view {
        ClaimHeader memory h = _header("job");
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "ClaimHeader(bytes32 job,bytes32 outputDigest,address recipient,bytes32 seedDigest,bytes32 activations,bytes32 points)"
                ),
                h.job,
                h.outputDigest,
                h.recipient,
                h.seedDigest,
                h.activations,
                keccak256(abi.encodePacked(h.points))
            )
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("nanozk ClaimBook"),
                keccak256("1"),
                block.chainid,
                address(book)
            )
        );
        assertEq(book.domainSeparator(), domain);
        assertEq(book.headerDigest(h), keccak256(abi.encodePacked(hex"1901", domain, structHash)));
    }

    function test_RevealDigest_IsThatOfTheTypedData() public view {
        bytes32 typehash = keccak256("Reveal(bytes32 job,bytes32 output)");
        bytes32 content = keccak256(abi.encode(typehash, bytes32("job"), bytes32("output")));
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", book.domainSeparator(), content));
        assertEq(book.revealDigest("job", "output"), expected);
    }

    function test_Post_RefusesMalformedHeaders() public {
        bytes32 job = _locked(Mode.Optimistic);
        ClaimHeader memory header = _header(job);
        header.recipient = address(0);
        _expectSigned(header, abi.encodeWithSelector(IClaimBook.ZeroRecipient.selector));
        header = _header(job);
        header.outputDigest = bytes32(Statement.FIELD_ORDER);
        _expectSigned(header, abi.encodeWithSelector(IClaimBook.DigestNotReduced.selector, header.outputDigest));
        header = _header(job);
        header.activations = bytes32(Statement.FIELD_ORDER);
        _expectSigned(header, abi.encodeWithSelector(NodeTree.WordNotReduced.selector, 0));
        for (uint256 i = 0; i < 3 * POINTS; ++i) {
            header = _header(job);
            header.points[i] = Statement.FIELD_ORDER;
            _expectSigned(header, abi.encodeWithSelector(NodeTree.WordNotReduced.selector, i + 1));
        }
        for (uint256 words = 0; words < 9; ++words) {
            if (words != 0 && words % 3 == 0) continue;
            header.points = new uint256[](words);
            _expectSigned(header, abi.encodeWithSelector(IClaimBook.BadPoints.selector, words));
        }
        header.points = new uint256[](3);
        _post(header);
    }

    function test_Post_DeadlineEdge() public {
        bytes32 inTime = _locked(Mode.Optimistic);
        bytes32 late = _locked(Mode.Optimistic);
        uint64 claimBy = market.job(late).claimBy;
        vm.warp(claimBy);
        _post(_header(inTime));
        vm.warp(claimBy + 1);
        _expectSigned(_header(late), abi.encodeWithSelector(IJobMarket.DeadlinePassed.selector, claimBy));
    }

    function test_Post_OncePerJob() public {
        bytes32 job = _locked(Mode.Optimistic);
        _post(_header(job));
        bytes memory claimed =
            abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, job, JobStatus.Locked, JobStatus.Claimed);
        _expectSigned(_header(job), claimed);
        // Another answer to the same job neither.
        ClaimHeader memory header = _header(job);
        header.recipient = thief;
        _expectSigned(header, claimed);
    }

    function test_Post_OnlyLockedJobs() public {
        bytes32 job = _open(_request(Mode.Optimistic));
        ClaimHeader memory header = _header(job);
        _expectSigned(
            header, abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, job, JobStatus.Locked, JobStatus.Open)
        );
        header.job = "none";
        _expectPost(header, "", abi.encodeWithSelector(IJobMarket.UnknownJob.selector, bytes32("none")));
    }

    function test_Post_NeedsAUsableVersion() public {
        bytes32 job = _locked(Mode.Optimistic);
        _freeze();
        _expectSigned(_header(job), abi.encodeWithSelector(IClaimBook.VersionUnusable.selector, version));
    }

    /// The statement of docs/format.md, word for word.
    function testFuzz_Statement_IsThatOfTheFormat(uint256 prompt, uint256 generated, uint256 recipient_, uint256 output)
        public
    {
        JobRequest memory request = _request(Mode.Proofs);
        prompt = bound(prompt, 1, 7);
        generated = bound(generated, 1, 8 - prompt);
        (request.promptTokens, request.newTokens) = (uint32(prompt), uint32(generated));
        bytes32 job = _open(request);
        _lock(job);
        recipient = address(uint160(bound(recipient_, 1, type(uint160).max)));
        ClaimHeader memory header = _header(job);
        header.outputDigest = bytes32(bound(output, 0, Statement.FIELD_ORDER - 1));
        bytes memory words = abi.encodePacked(
            bytes("nanozk-statement-3"),
            block.chainid,
            uint256(uint160(address(book))),
            job,
            uint256(uint160(recipient))
        );
        words = abi.encodePacked(words, registry.modelId(version), INPUT_DIGEST, header.outputDigest);
        words = abi.encodePacked(words, prompt, generated, bytes32(0));
        assertEq(words.length, 18 + 10 * 32);
        assertEq(_claim(_post(header)).statement, keccak256(words));
    }

    /// Whoever reads a statement's digest knows every part of it, also the decoding, of which claims have one only.
    function testFuzz_Statement_BindsEveryPart(StatementParts memory parts, uint256 part, uint256 by) public view {
        bytes memory words = bytes.concat(
            abi.encodePacked(
                bytes("nanozk-statement-3"),
                block.chainid,
                uint256(uint160(parts.book)),
                parts.job,
                uint256(uint160(parts.recipient)),
                parts.modelId
            ),
            abi.encodePacked(parts.inputDigest, parts.outputDigest, parts.promptTokens, parts.newTokens, parts.decoding)
        );
        bytes32 digest = Statement.digest(parts);
        assertEq(digest, keccak256(words));
        // Parts are a word each in memory.
        (part, by) = (bound(part, 0, 8), bound(by, 1, type(uint160).max));
        assembly ("memory-safe") {
            let at := add(parts, mul(part, 0x20))
            mstore(at, xor(mload(at), by))
        }
        assertNotEq(Statement.digest(parts), digest);
    }

    /// A claim that differs from what was posted in any word, also above a field's width, is another.
    function testFuzz_EveryWordOfAClaimCounts(uint256 field, uint256 bit) public {
        bytes32 id = _claimed(Mode.Optimistic);
        bytes memory call = abi.encodeCall(book.finalize, (_claim(id)));
        (field, bit) = (bound(field, 0, 13), bound(bit, 0, 255));
        call[4 + 32 * field + 31 - bit / 8] ^= bytes1(uint8(1 << bit % 8));
        _after(_challengeBy(id));
        (bool ok,) = address(book).call(call);
        assertFalse(ok);
        call[4 + 32 * field + 31 - bit / 8] ^= bytes1(uint8(1 << bit % 8));
        (ok,) = address(book).call(call);
        assertTrue(ok);
    }

    function test_UnknownClaim() public {
        Claim memory c = _claim(_claimed(Mode.Audited));
        c.recipient = thief;
        bytes32 id = keccak256(abi.encode(c));
        assertEq(uint256(book.status(id)), uint256(ClaimStatus.None));
        bytes memory unknown = abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, id);
        bytes[12] memory calls = [
            abi.encodeCall(book.finalize, (c)),
            abi.encodeCall(book.expireClaim, (c)),
            abi.encodeCall(book.voidClaim, (c)),
            abi.encodeCall(book.revealDraw, (c, "")),
            abi.encodeCall(book.challenge, (c, 0, 0)),
            abi.encodeCall(book.demand, (c)),
            abi.encodeCall(book.reveal, (c, 0, "", "")),
            abi.encodeCall(book.dispute, (c, 0, "")),
            abi.encodeCall(book.acceptOutput, (c)),
            abi.encodeCall(book.timeout, (c, 0)),
            abi.encodeCall(book.resolve, (c, 0, challenger)),
            abi.encodeCall(book.missingLayers, (c))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory reason) = address(book).call(calls[i]);
            assertFalse(ok);
            assertEq(reason, unknown);
        }
    }

    function test_ERC165() public view {
        assertTrue(book.supportsInterface(type(IClaimBook).interfaceId));
        assertFalse(book.supportsInterface(0xffffffff));
    }

    function test_Getters() public view {
        assertEq(address(book.escrow()), address(escrow));
        assertEq(address(book.market()), address(market));
        assertEq(address(book.registry()), address(registry));
        assertEq(address(book.beacon()), address(beacon));
        assertEq(address(book.digests()), address(digests));
    }

    function _expectPost(ClaimHeader memory header, bytes memory signature, bytes memory revertData) private {
        vm.prank(relayer);
        vm.expectRevert(revertData);
        book.post(header, signature);
    }

    function _expectSigned(ClaimHeader memory header, bytes memory revertData) private {
        _expectPost(header, _sign(providerKey, book.headerDigest(header)), revertData);
    }
}
