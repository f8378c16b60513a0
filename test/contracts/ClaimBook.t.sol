// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimHeader, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { IJobMarket } from "../../contracts/interfaces/IJobMarket.sol";
import { ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Statement } from "../../contracts/libraries/Statement.sol";
import { Base } from "./Base.t.sol";

contract ClaimBookTest is Base {
    function test_PostClaim_KeepsWhatWasClaimed() public {
        bytes32 job = _locked(Lane.Optimistic);
        ClaimHeader memory header = _header(job);
        bytes32 statement =
            book.statementOf(job, recipient, registry.modelId(version), INPUT_DIGEST, header.outputDigest, LAYERS);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimPosted(
            job, provider, version, recipient, INPUT_DIGEST, header.outputDigest, statement, header.boundaries
        );
        assertEq(_post(header), job);

        Claim memory c = book.claim(job);
        _assertClaim(job, ClaimStatus.Posted, JobStatus.Claimed);
        assertEq(c.provider, provider);
        assertEq(c.recipient, recipient);
        assertEq(c.version, version);
        assertEq(c.modelId, registry.modelId(version));
        assertEq(c.inputDigest, INPUT_DIGEST);
        assertEq(c.outputDigest, header.outputDigest);
        assertEq(c.postedAt, block.timestamp);
        assertEq(c.postedBlock, block.number);
        assertEq(c.layers, LAYERS);
        assertEq(c.proven, 0);
        assertEq(c.statement, statement);
        bytes memory points = bytes.concat(header.boundaries[0], header.boundaries[1], header.boundaries[2]);
        assertEq(c.claimDigest, keccak256(bytes.concat(statement, points)));
        assertEq(book.boundaries(job), header.boundaries);
    }

    function test_PostClaim_ProviderNeedsNoSignature() public {
        bytes32 job = _locked(Lane.Optimistic);
        ClaimHeader memory header = _header(job);
        vm.prank(provider);
        book.postClaim(header, "");
        _assertClaim(job, ClaimStatus.Posted, JobStatus.Claimed);
    }

    function test_PostClaim_SchedulesADrawInTheAuditedLaneOnly() public {
        bytes32 audited = _claimed(Lane.Audited);
        assertEq(beacon.blockOf(audited), block.number + BEACON_DELAY);
        assertEq(beacon.blockOf(_claimed(Lane.Optimistic)), 0);
        assertEq(beacon.blockOf(_claimed(Lane.Proofs)), 0);
    }

    function test_PostClaim_EveryFieldIsSigned() public {
        bytes32 job = _locked(Lane.Optimistic);
        bytes memory signature = _sign(providerKey, book.headerDigest(_header(job)));
        ClaimHeader memory header = _header(job);
        header.recipient = thief;
        _expectPost(header, signature, abi.encodeWithSelector(IClaimBook.BadSignature.selector, provider));
        header = _header(job);
        header.outputDigest = bytes32(uint256(header.outputDigest) ^ 1);
        _expectPost(header, signature, abi.encodeWithSelector(IClaimBook.BadSignature.selector, provider));
        header = _header(job);
        header.boundaries[1] = keccak256("other");
        _expectPost(header, signature, abi.encodeWithSelector(IClaimBook.BadSignature.selector, provider));
        header = _header(_locked(Lane.Optimistic));
        header.boundaries = _header(job).boundaries;
        _expectPost(header, signature, abi.encodeWithSelector(IClaimBook.BadSignature.selector, provider));
    }

    function test_PostClaim_DigestIsThatOfTheTypedData() public view {
        ClaimHeader memory h = _header("job");
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("ClaimHeader(bytes32 job,bytes32 outputDigest,address recipient,bytes32[] boundaries)"),
                h.job,
                h.outputDigest,
                h.recipient,
                keccak256(bytes.concat(h.boundaries[0], h.boundaries[1], h.boundaries[2]))
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

    function test_PostClaim_RefusesMalformedHeaders() public {
        bytes32 job = _locked(Lane.Optimistic);
        ClaimHeader memory header = _header(job);
        header.recipient = address(0);
        _expectSigned(header, abi.encodeWithSelector(IClaimBook.ZeroRecipient.selector));
        header = _header(job);
        header.outputDigest = bytes32(Statement.FIELD_ORDER);
        _expectSigned(header, abi.encodeWithSelector(IClaimBook.DigestNotReduced.selector, header.outputDigest));
        header = _header(job);
        header.boundaries[2] = 0;
        _expectSigned(header, abi.encodeWithSelector(IClaimBook.BoundaryZero.selector, 2));
        for (uint256 count = 0; count < 7; ++count) {
            if (count == LAYERS - 1) continue;
            header.boundaries = new bytes32[](count);
            _expectSigned(header, abi.encodeWithSelector(IClaimBook.BoundaryCount.selector, LAYERS - 1, count));
        }
    }

    function test_PostClaim_DeadlineEdge() public {
        bytes32 inTime = _locked(Lane.Optimistic);
        bytes32 late = _locked(Lane.Optimistic);
        uint64 claimBy = market.job(late).claimBy;
        vm.warp(claimBy);
        _post(_header(inTime));
        vm.warp(claimBy + 1);
        _expectSigned(_header(late), abi.encodeWithSelector(IJobMarket.DeadlinePassed.selector, claimBy));
    }

    function test_PostClaim_OncePerJob() public {
        bytes32 job = _claimed(Lane.Optimistic);
        _expectSigned(
            _header(job),
            abi.encodeWithSelector(IJobMarket.WrongJobStatus.selector, job, JobStatus.Locked, JobStatus.Claimed)
        );
    }

    function test_PostClaim_OnlyLockedJobs() public {
        bytes32 job = _open(_request(Lane.Optimistic));
        ClaimHeader memory header = _header(job);
        bytes memory signature = _sign(providerKey, book.headerDigest(header));
        _expectPost(header, signature, abi.encodeWithSelector(IClaimBook.BadSignature.selector, address(0)));
        header.job = "none";
        _expectPost(header, "", abi.encodeWithSelector(IJobMarket.UnknownJob.selector, bytes32("none")));
    }

    function test_PostClaim_NeedsAUsableVersion() public {
        bytes32 job = _locked(Lane.Optimistic);
        _freeze(LayerKind.Embed);
        _expectSigned(_header(job), abi.encodeWithSelector(IClaimBook.VersionUnusable.selector, version));
    }

    function test_OnlySettlementMovesAClaim() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.startPrank(thief);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotSettlement.selector, thief));
        book.markProven(claim, 0);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotSettlement.selector, thief));
        book.markAllProven(claim, AGGREGATE_KEY);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NotSettlement.selector, thief));
        book.end(claim, ClaimStatus.Proven);
    }

    function test_SettlementCannotMarkWhatIsNotThereOrOver() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.startPrank(address(settlement));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none")));
        book.markProven("none", 0);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none")));
        book.markAllProven("none", AGGREGATE_KEY);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NoSuchLayer.selector, LAYERS, LAYERS));
        book.markProven(claim, LAYERS);
        vm.expectEmit(address(book));
        emit IClaimBook.LayerProven(claim, 2);
        book.markProven(claim, 2);
        assertEq(book.claim(claim).proven, 1 << 2);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimEnded(claim, ClaimStatus.Finalized);
        book.end(claim, ClaimStatus.Finalized);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Finalized));
        book.end(claim, ClaimStatus.Defeated);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Finalized));
        book.markProven(claim, 1);
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.ClaimIsOver.selector, claim, ClaimStatus.Finalized));
        book.markAllProven(claim, AGGREGATE_KEY);
    }

    function test_RevealDigest_IsThatOfTheTypedData() public view {
        bytes32 typehash = keccak256("Reveal(bytes32 claim,bytes32 output)");
        bytes32 content = keccak256(abi.encode(typehash, bytes32("claim"), bytes32("output")));
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", book.domainSeparator(), content));
        assertEq(book.revealDigest("claim", "output"), expected);
    }

    function test_MarkAllProven_MarksAllAndSaysHow() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        vm.startPrank(address(settlement));
        book.markProven(claim, 2);
        assertEq(book.claim(claim).aggregateKey, 0);
        Claim memory before = book.claim(claim);
        vm.expectEmit(address(book));
        emit IClaimBook.ClaimProvenByAggregate(claim, AGGREGATE_KEY);
        book.markAllProven(claim, AGGREGATE_KEY);
        before.aggregateKey = AGGREGATE_KEY;
        assertEq(abi.encode(book.claim(claim)), abi.encode(before));
    }

    function test_BoundariesOf_ZeroAtTheEnds() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        bytes32[] memory points = book.boundaries(claim);
        for (uint256 l = 0; l < LAYERS; ++l) {
            (bytes32 input, bytes32 output) = book.boundariesOf(claim, l);
            assertEq(input, l == 0 ? bytes32(0) : points[l - 1]);
            assertEq(output, l == LAYERS - 1 ? bytes32(0) : points[l]);
        }
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NoSuchLayer.selector, LAYERS, LAYERS));
        book.boundariesOf(claim, LAYERS);
    }

    function test_Instances_BindTheDigestsAtTheEnds() public {
        bytes32 claim = _claimed(Lane.Optimistic);
        Claim memory c = book.claim(claim);
        uint256[4] memory counts = [uint256(4), 2, 2, 3];
        for (uint256 l = 0; l < LAYERS; ++l) {
            uint256[] memory inputs = book.instances(claim, l);
            assertEq(inputs.length, counts[l]);
            assertEq(inputs[0] << 128 | inputs[1], uint256(c.statement));
            assertLt(inputs[0] | inputs[1], 1 << 128);
        }
        assertEq(book.instances(claim, 0)[2], uint256(c.inputDigest));
        assertEq(book.instances(claim, 0)[3], uint256(c.outputDigest));
        assertEq(book.instances(claim, 3)[2], uint256(c.outputDigest));
        assertEq(book.aggregateInstances(claim), book.instances(claim, 0));
        vm.expectRevert(abi.encodeWithSelector(IClaimBook.NoSuchLayer.selector, LAYERS, LAYERS));
        book.instances(claim, LAYERS);
    }

    /// The layout of docs/format.md, word for word.
    function testFuzz_StatementOf(bytes32 id, address to, bytes32 modelId, bytes32 input, bytes32 output, uint8 layers)
        public
        view
    {
        bytes memory words = abi.encodePacked(
            bytes("nanozk-statement-1"), block.chainid, uint256(uint160(address(book))), id, uint256(uint160(to))
        );
        words = abi.encodePacked(words, modelId, input, output, uint256(0), uint256(layers));
        assertEq(words.length, 18 + 9 * 32);
        assertEq(book.statementOf(id, to, modelId, input, output, layers), keccak256(words));
    }

    function test_UnknownClaim() public {
        assertEq(uint256(book.status("none")), uint256(ClaimStatus.None));
        bytes memory unknown = abi.encodeWithSelector(IClaimBook.UnknownClaim.selector, bytes32("none"));
        vm.expectRevert(unknown);
        book.claim("none");
        vm.expectRevert(unknown);
        book.boundariesOf("none", 0);
        vm.expectRevert(unknown);
        book.instances("none", 0);
        vm.expectRevert(unknown);
        book.aggregateInstances("none");
    }

    function test_ERC165() public view {
        assertTrue(book.supportsInterface(type(IClaimBook).interfaceId));
        assertFalse(book.supportsInterface(0xffffffff));
    }

    function test_Getters() public view {
        assertEq(address(book.market()), address(market));
        assertEq(address(book.registry()), address(registry));
        assertEq(address(book.beacon()), address(beacon));
        assertEq(book.settlement(), address(settlement));
    }

    function _expectPost(ClaimHeader memory header, bytes memory signature, bytes memory revertData) private {
        vm.prank(relayer);
        vm.expectRevert(revertData);
        book.postClaim(header, signature);
    }

    function _expectSigned(ClaimHeader memory header, bytes memory revertData) private {
        _expectPost(header, _sign(providerKey, book.headerDigest(header)), revertData);
    }
}
