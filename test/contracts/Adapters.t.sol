// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Adapter, Task } from "../../contracts/adapters/Adapter.sol";
import { ProofEvaluator } from "../../contracts/adapters/ProofEvaluator.sol";
import { ProofValidator } from "../../contracts/adapters/ProofValidator.sol";
import { ProofVerifier } from "../../contracts/adapters/ProofVerifier.sol";
import { ClaimHeader } from "../../contracts/interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { IStatementVerifier, Session } from "../../contracts/interfaces/IStatementVerifier.sol";
import { Leaf } from "../../contracts/interfaces/Types.sol";
import { IValidationRegistry } from "../../contracts/interfaces/external/IERC8004.sol";
import { IAgenticCommerce } from "../../contracts/interfaces/external/IERC8183.sol";
import { IProofVerifier } from "../../contracts/interfaces/external/IERC8274.sol";
import { Statement } from "../../contracts/libraries/Statement.sol";
import { Base } from "./Base.t.sol";
import { IERC165 } from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// A registry of validations: only the validator that a request names responds.
contract ValidationRegistry is IValidationRegistry {
    struct Status {
        address validator;
        uint8 response;
        bytes32 responseHash;
        string responseURI;
        string tag;
    }

    mapping(bytes32 requestHash => Status) public statusOf;

    function validationRequest(address validator, uint256, string calldata, bytes32 requestHash) external {
        require(statusOf[requestHash].validator == address(0), "exists");
        statusOf[requestHash].validator = validator;
    }

    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external {
        Status storage status = statusOf[requestHash];
        require(status.validator == msg.sender, "not the validator");
        (status.response, status.responseHash) = (response, responseHash);
        (status.responseURI, status.tag) = (responseURI, tag);
    }
}

/// An escrow of jobs: only its evaluator completes one that was submitted; after it expired, its client is refunded.
contract AgenticCommerce is IAgenticCommerce {
    struct Job {
        address client;
        address provider;
        address evaluator;
        uint256 expiredAt;
        uint256 budget;
        bool submitted;
        bytes32 reason;
    }

    Job[] public jobs;

    function createJob(address provider, address evaluator, uint256 expiredAt)
        external
        payable
        returns (uint256 jobId)
    {
        jobs.push(Job(msg.sender, provider, evaluator, expiredAt, msg.value, false, 0));
        return jobs.length - 1;
    }

    function submit(uint256 jobId, bytes32, bytes calldata) external {
        require(jobs[jobId].provider == msg.sender, "not the provider");
        jobs[jobId].submitted = true;
    }

    function complete(uint256 jobId, bytes32 reason, bytes calldata) external {
        Job storage job = jobs[jobId];
        require(job.evaluator == msg.sender, "not the evaluator");
        require(job.submitted && job.budget > 0, "not submitted, or over");
        job.reason = reason;
        _pay(job, job.provider);
    }

    function claimRefund(uint256 jobId) external {
        require(block.timestamp > jobs[jobId].expiredAt, "not expired");
        _pay(jobs[jobId], jobs[jobId].client);
    }

    function _pay(Job storage job, address to) private {
        uint256 budget = job.budget;
        job.budget = 0;
        (bool paid,) = to.call{ value: budget }("");
        require(paid, "not paid");
    }
}

/// @title Proofs for those who speak the interfaces of others
contract AdaptersTest is Base {
    uint256 private constant R = Statement.FIELD_ORDER;

    ProofVerifier private adapter;
    ProofValidator private validator;
    ProofEvaluator private evaluators;
    ValidationRegistry private validations;
    AgenticCommerce private commerce;

    function setUp() public override {
        super.setUp();
        adapter = new ProofVerifier(statements);
        validator = new ProofValidator(statements);
        evaluators = new ProofEvaluator(statements);
        validations = new ValidationRegistry();
        commerce = new AgenticCommerce();
    }

    function _session(bytes32 word) private view returns (Session memory s) {
        (s.version, s.claim, s.recipient) = (version, word, recipient);
        s.inputDigest = INPUT_DIGEST;
        s.outputDigest = _outputDigest(_tokens(), SALT);
        (s.promptTokens, s.newTokens) = (3, 2);
        ClaimHeader memory header = _header(word);
        (s.activations, s.points) = (header.activations, header.points);
    }

    function _task() private view returns (Task memory) {
        return Task(version, INPUT_DIGEST, 3, recipient, "salt");
    }

    function _say(bytes32 tag, bytes32 digest, uint256[] memory words) private pure returns (uint256 r, uint256 c) {
        r = uint256(keccak256(abi.encodePacked(tag, digest, words))) % R;
        for (uint256 i = 0; i < words.length; ++i) {
            c = addmod(mulmod(c, r, R), words[i], R);
        }
    }

    /// What `nanozk claim check --calldata` prints, without the selector.
    function _proof(Session memory s) private view returns (bytes memory) {
        Leaf[] memory leaves = new Leaf[](1);
        leaves[0] = _leaf(s.claim, 0, LAYERS);
        uint256[] memory words = new uint256[](10);
        bytes32 statement = statements.statementOf(s);
        (words[0], words[1]) = (uint256(statement) >> 128, uint256(statement) % 2 ** 128);
        (words[2], words[3]) = (uint256(s.inputDigest), uint256(s.outputDigest));
        (words[4], words[5], words[6]) = (s.promptTokens, s.newTokens, uint256(leaves[0].program.weights));
        words[7] = uint256(s.activations);
        (words[8], words[9]) = _say("nanozk activations", s.activations, s.points);
        (uint256 r, uint256 c) = _say("nanozk said", leaves[0].digest, words);
        uint256[4] memory inputs = [uint256(leaves[0].program.key), uint256(leaves[0].digest), r, c];
        return abi.encode(s, leaves, _tree(1), verifier.script(inputs));
    }

    // ---------------------------------------------------------------- ERC-8274

    function _metadata(Session memory s) private pure returns (bytes memory) {
        return abi.encode(s.version, s.claim, s.recipient);
    }

    function test_Verifier_AcceptsAProof() public view {
        Session memory s = _session("mine");
        assertTrue(adapter.verify(s.inputDigest, s.outputDigest, _metadata(s), _proof(s)));
    }

    function testFuzz_Verifier_EverythingIsBound(uint256 field, bytes32 other) public {
        Session memory s = _session("mine");
        bytes memory proof = _proof(s);
        (bytes32 input, bytes32 output) = (s.inputDigest, s.outputDigest);
        field = bound(field, 0, 4);
        if (field == 0) input = other;
        else if (field == 1) output = other;
        else if (field == 2) s.version = other;
        else if (field == 3) s.claim = other;
        else s.recipient = address(bytes20(other));
        bytes memory metadata = _metadata(s);
        Session memory real = _session("mine");
        vm.assume(
            input != real.inputDigest || output != real.outputDigest
                || keccak256(metadata) != keccak256(_metadata(real))
        );
        assertFalse(adapter.verify(input, output, metadata, proof));
        vm.expectRevert(Adapter.AnotherSession.selector);
        adapter.check(input, output, metadata, proof);
    }

    /// A false proof, bytes that are none, and a session that the verifier refuses: false, and never a revert.
    function testFuzz_Verifier_NothingElseIsAccepted(bytes calldata garbage, uint256 byte_) public {
        Session memory s = _session("mine");
        bytes memory metadata = _metadata(s);
        assertFalse(adapter.verify(s.inputDigest, s.outputDigest, metadata, garbage));
        bytes memory proof = _proof(s);
        byte_ = bound(byte_, 0, 31);
        // The session's output digest, the sixth of its words behind four offsets.
        uint256 place = 32 * 4 + 32 * 4 + byte_;
        proof[place] = bytes1(uint8(proof[place]) ^ 1);
        assertFalse(adapter.verify(s.inputDigest, s.outputDigest, metadata, proof));
        proof = _proof(s);
        _freeze();
        assertFalse(adapter.verify(s.inputDigest, s.outputDigest, metadata, proof));
    }

    /// Whoever pays for the gas must not turn a good proof into a bad one.
    function testFuzz_Verifier_LittleGasIsNoVerdict(uint256 gas_) public view {
        Session memory s = _session("mine");
        bytes memory call_ =
            abi.encodeCall(IProofVerifier.verify, (s.inputDigest, s.outputDigest, _metadata(s), _proof(s)));
        gas_ = bound(gas_, 30_000, 4_000_000);
        (bool success, bytes memory said) = address(adapter).staticcall{ gas: gas_ }(call_);
        if (success) assertTrue(abi.decode(said, (bool)));
    }

    function test_Verifier_SaysWhatItIs() public {
        assertTrue(adapter.supportsInterface(type(IProofVerifier).interfaceId));
        assertTrue(adapter.supportsInterface(type(IERC165).interfaceId));
        assertFalse(adapter.supportsInterface(0xffffffff));
        assertEq(adapter.name(), "nanozk");
        // As published: verify(bytes32,bytes32,bytes,bytes), name(), version(), proofProfile().
        bytes4 expected = bytes4(keccak256("verify(bytes32,bytes32,bytes,bytes)")) ^ bytes4(keccak256("name()"))
            ^ bytes4(keccak256("version()")) ^ bytes4(keccak256("proofProfile()"));
        assertEq(type(IProofVerifier).interfaceId, expected);
        assertNotEq(adapter.proofProfile(), new ProofVerifier(IStatementVerifier(thief)).proofProfile());
        vm.chainId(5);
        bytes32 elsewhere = adapter.proofProfile();
        vm.chainId(31337);
        assertNotEq(adapter.proofProfile(), elsewhere);
    }

    // ---------------------------------------------------------------- ERC-8004

    function test_Validator_RespondsToAProof() public {
        Task memory task = _task();
        bytes32 requestHash = validator.requestHashOf(task);
        validations.validationRequest(address(validator), 7, "ipfs://task", requestHash);
        Session memory s = _session(requestHash);
        bytes memory proof = _proof(s);
        vm.prank(thief);
        validator.respond(validations, task, "ipfs://proof", proof);
        (, uint8 response, bytes32 hash, string memory uri, string memory tag) = validations.statusOf(requestHash);
        assertEq(response, 100);
        assertEq(hash, statements.statementOf(s));
        assertEq(uri, "ipfs://proof");
        assertEq(tag, "nanozk");
    }

    function testFuzz_Validator_EverythingOfATaskIsBound(uint256 field) public {
        Task memory task = _task();
        Session memory s = _session(validator.requestHashOf(task));
        bytes memory proof = _proof(s);
        field = bound(field, 0, 4);
        if (field == 0) task.version = "other";
        else if (field == 1) task.inputDigest = bytes32(uint256(1));
        else if (field == 2) task.promptTokens = 4;
        else if (field == 3) task.recipient = thief;
        else task.salt = "other";
        bytes32 requestHash = validator.requestHashOf(task);
        validations.validationRequest(address(validator), 7, "", requestHash);
        vm.expectRevert(Adapter.AnotherSession.selector);
        validator.respond(validations, task, "", proof);
    }

    /// A prover may take the hash of somebody's request as its word, with another prompt.
    function test_Validator_AnotherPromptUnderTheSameHash() public {
        Task memory task = _task();
        bytes32 requestHash = validator.requestHashOf(task);
        validations.validationRequest(address(validator), 7, "", requestHash);
        Session memory s = _session(requestHash);
        s.inputDigest = bytes32(uint256(1));
        bytes memory proof = _proof(s);
        vm.expectRevert(Adapter.AnotherSession.selector);
        validator.respond(validations, task, "", proof);
    }

    // ---------------------------------------------------------------- ERC-8183

    function _job(Task memory task) private returns (uint256 jobId) {
        address evaluator = evaluators.evaluatorOf(task);
        vm.deal(requester, 2 ether);
        vm.prank(requester);
        jobId = commerce.createJob{ value: 1 ether }(provider, evaluator, block.timestamp + 1 days);
        vm.prank(provider);
        commerce.submit(jobId, "answer", "");
    }

    function test_Evaluator_PaysForAProof() public {
        Task memory task = _task();
        uint256 jobId = _job(task);
        ProofEvaluator evaluator = ProofEvaluator(evaluators.create(task));
        assertEq(address(evaluator), evaluators.evaluatorOf(task));
        assertEq(abi.encode(evaluator.ownTask()), abi.encode(task));
        Session memory s = _session(evaluator.wordOf(commerce, jobId));
        bytes memory proof = _proof(s);
        uint256 before = provider.balance;
        evaluator.complete(commerce, jobId, proof);
        assertEq(provider.balance, before + 1 ether);
        (,,,,,, bytes32 reason) = commerce.jobs(jobId);
        assertEq(reason, statements.statementOf(s));
    }

    /// A proof completes one job, in one escrow.
    function test_Evaluator_NoProofCompletesTwoJobs() public {
        Task memory task = _task();
        uint256 first = _job(task);
        uint256 second = _job(task);
        ProofEvaluator evaluator = ProofEvaluator(evaluators.create(task));
        bytes memory proof = _proof(_session(evaluator.wordOf(commerce, first)));
        vm.expectRevert(Adapter.AnotherSession.selector);
        evaluator.complete(commerce, second, proof);
        AgenticCommerce other = new AgenticCommerce();
        vm.expectRevert(Adapter.AnotherSession.selector);
        evaluator.complete(other, first, proof);
        evaluator.complete(commerce, first, proof);
        vm.expectRevert("not submitted, or over");
        evaluator.complete(commerce, first, proof);
    }

    function testFuzz_Evaluator_OfAnotherTask(uint256 field) public {
        Task memory task = _task();
        field = bound(field, 0, 3);
        if (field == 0) task.version = "other";
        else if (field == 1) task.inputDigest = bytes32(uint256(1));
        else if (field == 2) task.promptTokens = 4;
        else task.recipient = thief;
        uint256 jobId = _job(task);
        ProofEvaluator evaluator = ProofEvaluator(evaluators.create(task));
        bytes memory proof = _proof(_session(evaluator.wordOf(commerce, jobId)));
        vm.expectRevert(Adapter.AnotherSession.selector);
        evaluator.complete(commerce, jobId, proof);
    }

    /// The evaluator of another task, which a thief can satisfy, is not the job's.
    function test_Evaluator_IsTheOneThatTheClientNamed() public {
        uint256 jobId = _job(_task());
        Task memory own = _task();
        own.salt = "own";
        ProofEvaluator evaluator = ProofEvaluator(evaluators.create(own));
        bytes memory proof = _proof(_session(evaluator.wordOf(commerce, jobId)));
        vm.expectRevert("not the evaluator");
        evaluator.complete(commerce, jobId, proof);
        // Nobody makes evaluators elsewhere, and the contract itself is none.
        vm.expectRevert(ProofEvaluator.NotHere.selector);
        evaluator.create(own);
        vm.expectRevert(ProofEvaluator.NotHere.selector);
        evaluators.complete(commerce, jobId, proof);
    }

    function test_Evaluator_FalseProofsCompleteNothing() public {
        Task memory task = _task();
        uint256 jobId = _job(task);
        ProofEvaluator evaluator = ProofEvaluator(evaluators.create(task));
        Session memory s = _session(evaluator.wordOf(commerce, jobId));
        bytes memory proof = _proof(s);
        s.outputDigest = bytes32(uint256(1));
        bytes memory other = _proof(s);
        // The final proof of one answer beside another answer.
        for (uint256 i = 0; i < 32; ++i) {
            proof[32 * 8 + i] = other[32 * 8 + i];
        }
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        evaluator.complete(commerce, jobId, proof);
    }
}
