// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Epoch, FixedDraws, Openings } from "../interfaces/EpochTypes.sol";
import { EpochStatus, IEpochBook, Payment } from "../interfaces/IEpochBook.sol";
import { IFinalVerifier } from "../interfaces/IFinalVerifier.sol";
import { Bindings, Policy } from "../interfaces/IModelRegistry.sol";
import { Program } from "../interfaces/Types.sol";
import { EpochEconomics } from "../libraries/EpochEconomics.sol";
import { EpochNodes } from "../libraries/EpochNodes.sol";
import { EpochPage, PageHead } from "../libraries/EpochPage.sol";
import { EpochWords } from "../libraries/EpochWords.sol";
import { LayerSet } from "../libraries/LayerSet.sol";
import { LineWords } from "../libraries/LineWords.sol";
import { Programs } from "../libraries/Programs.sol";
import { Signatures } from "../libraries/Signatures.sol";
import { Statement } from "../libraries/Statement.sol";
import { Lines } from "./Lines.sol";

/// @title Epochs: commitment, draws, proof, end
abstract contract Epochs is Lines {
    using EpochWords for Epoch;
    using LineWords for uint256;

    bytes32 public constant COMMIT_TYPEHASH = keccak256(
        "Commit(address provider,bytes32 version,address page,bytes32 statements,bytes32 receipts,uint256 terms)"
    );
    bytes32 public constant FIX_TYPEHASH = keccak256("Fix(bytes32 target,bytes32 commitments)");

    /// @notice Most answers of an epoch: a million.
    uint256 public constant MAX_COUNT = 1 << 20;
    /// @notice Most draws of an epoch.
    uint256 public constant MAX_DRAWS = 256;

    /// The status is in the lowest byte; above it are 16 bits for the number of open disputes; and above these, of a
    /// fixed epoch, the digest of what was fixed.
    uint256 private constant STATUS = 0xff;
    uint256 private constant DISPUTE = 0x100;
    uint256 private constant DISPUTES = 0xffff00;
    uint256 private constant DIGEST = ~(STATUS | DISPUTES);

    /// @notice `EpochDisputes`.
    address public immutable disputes;
    /// @inheritdoc IEpochBook
    uint40 public immutable challengeWindow;
    /// @inheritdoc IEpochBook
    uint40 public immutable answerWindow;
    /// @inheritdoc IEpochBook
    uint40 public immutable proveWindow;
    /// From a block to the one that is drawn from.
    uint64 private immutable _delay;

    mapping(address page => bytes32) private _versionOf;
    /// One word, which is all that an epoch without disputes writes.
    mapping(bytes32 epoch => uint256) private _kept;
    /// RANDAO that layers are drawn from, if `drawLayers` was called.
    mapping(bytes32 epoch => bytes32) private _layerSeed;

    modifier onlyDisputes() {
        if (msg.sender != disputes) revert NotAuthorized(msg.sender);
        _;
    }

    constructor(address disputes_, uint256 challengeWindow_, uint256 answerWindow_, uint256 drawTime) {
        disputes = disputes_;
        // forge-lint: disable-start(unsafe-typecast) bounded by the caller
        challengeWindow = uint40(challengeWindow_);
        answerWindow = uint40(answerWindow_);
        proveWindow = uint40(drawTime + answerWindow_);
        // forge-lint: disable-end(unsafe-typecast)
        _delay = address(beacon) == address(0) ? 0 : beacon.delayBlocks();
    }

    // ---------------------------------------------------------------- versions

    /// @inheritdoc IEpochBook
    function enroll(bytes32 version, Program[] calldata programs, bytes32[][] calldata paths)
        external
        returns (address page)
    {
        uint256 n = programs.length;
        if (n == 0 || n > EpochPage.MAX_PROGRAMS || paths.length != n) revert NoPrograms(EpochPage.MAX_PROGRAMS, n);
        Bindings memory bound = registry.bindings(version);
        uint256 set = 0;
        for (uint256 i = 0; i < n; ++i) {
            Program calldata program = programs[i];
            set |= Programs.check(program, paths[i], bound.programs, bound.layers);
            // What a node says are elements of the field.
            if (!Statement.isReduced(program.key)) revert EpochNodes.AnswerDigestNotReduced(i);
            if (!Statement.isReduced(program.weights)) revert EpochNodes.AnswerDigestNotReduced(i);
        }
        uint256 missing = LayerSet.all(bound.layers) & ~set;
        if (missing != 0) revert LayersMissing(missing);
        page = _write(version, bound, programs);
        _versionOf[page] = version;
        emit Enrolled(version, page);
    }

    function _write(bytes32 version, Bindings memory bound, Program[] calldata programs) private returns (address) {
        Policy memory policy = registry.policy(version);
        uint32[] memory weights = registry.auditWeights(version);
        (uint256 total, uint256 least) = (0, type(uint256).max);
        for (uint256 i = 0; i < weights.length; ++i) {
            total += weights[i];
            if (weights[i] < least) least = weights[i];
        }
        uint256 unit = EpochEconomics.unit(least, total, policy.maxPrice, policy.externalGain);
        // No bond could be as large.
        if (unit > type(uint88).max) revert AmountTooLarge(type(uint88).max, unit);
        // forge-lint: disable-start(unsafe-typecast) at most 256; was compared
        PageHead memory head = PageHead({
            modelId: bound.modelId,
            programRoot: bound.programs,
            verifier: bound.verifier,
            layers: bound.layers,
            programs: uint16(programs.length),
            unit: uint128(unit),
            maxPrice: policy.maxPrice,
            challengeBond: policy.challengeBond
        });
        // forge-lint: disable-end(unsafe-typecast)
        return EpochPage.write(head, weights, programs);
    }

    // ---------------------------------------------------------------- commitment

    /// @inheritdoc IEpochBook
    function commit(Epoch calldata epoch, bytes calldata signature) external returns (bytes32 id) {
        if (address(beacon) == address(0)) revert EpochsDisabled();
        (address provider, bytes32 version) = (epoch.provider, epoch.version);
        if (msg.sender != provider && !Signatures.consents(provider, commitDigest(epoch), signature)) {
            revert BadSignature(provider);
        }
        if (_versionOf[epoch.page] != version || version == 0) revert UnknownPage(epoch.page, version);
        (uint256 count, uint256 draws, uint32 number) = (epoch.count(), epoch.draws(), epoch.number());
        // The rest of the word is zero: what is filled in is not the caller's.
        bool malformed = epoch.terms >> 80 != 0 || draws == 0 || draws > count;
        if (malformed || count > MAX_COUNT || draws > MAX_DRAWS) revert BadCounts(MAX_COUNT, count, MAX_DRAWS, draws);

        uint256 own = _lines[provider][version];
        if (own.over()) revert LineIsOver(provider, version);
        // One commitment for each number: there is no other root, whatever the provider signed.
        if (number != own.next()) revert WrongEpochNumber(own.next(), number);
        if (number == type(uint24).max || own.open() == type(uint8).max) revert TooManyEpochs(own.next(), own.open());
        uint256 exposure = _exposure(epoch.page, count, draws);
        uint256 available = own.balance() - own.exposed();
        if (exposure > available) revert LineBondTooLow(exposure, available);
        _lines[provider][version] = own + exposure * LineWords.EXPOSED + LineWords.NEXT + LineWords.OPEN;

        Epoch memory committed = epoch;
        committed.terms = EpochWords.pack(number, count, draws, block.timestamp, block.number + _delay, exposure);
        id = keccak256(abi.encode(committed));
        _kept[id] = uint256(EpochStatus.Committed);
        emit EpochCommitted(id, provider, version, committed);
    }

    // ---------------------------------------------------------------- draws

    /// @inheritdoc IEpochBook
    function fixCommitments(Epoch calldata epoch, bytes calldata header, bytes32 commitments, bytes calldata signature)
        external
    {
        bytes32 id = _at(epoch, EpochStatus.Committed);
        uint256 deadline = epoch.committedAt() + challengeWindow;
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        // In another's name nobody fixes what cannot be opened.
        if (msg.sender != epoch.provider && !Signatures.consents(epoch.provider, fixDigest(id, commitments), signature))
        {
            revert BadSignature(epoch.provider);
        }
        FixedDraws memory fixed_ = FixedDraws({
            seed: beacon.seedOf(header, epoch.drawBlock()),
            commitments: commitments,
            fixedAt: uint40(block.timestamp),
            // forge-lint: disable-next-line(unsafe-typecast) not in a million years
            drawBlock: uint48(block.number + _delay)
        });
        uint256 open = _kept[id] & DISPUTES;
        uint256 digest = _digestOf(fixed_.seed, commitments, fixed_.fixedAt, fixed_.drawBlock);
        _kept[id] = digest | open | uint256(EpochStatus.Fixed);
        emit EpochFixed(id, fixed_);
    }

    /// @inheritdoc IEpochBook
    function drawLayers(Epoch calldata epoch, FixedDraws calldata fixed_, bytes calldata header) external {
        bytes32 id = _at(epoch, EpochStatus.Fixed);
        _requireFixed(id, fixed_.seed, fixed_.commitments, fixed_.fixedAt, fixed_.drawBlock);
        bytes32 seed = beacon.seedOf(header, fixed_.drawBlock);
        _layerSeed[id] = seed;
        emit LayersDrawn(id, seed);
    }

    /// @inheritdoc IEpochBook
    function prove(Epoch calldata epoch, Openings calldata openings, bytes calldata proof, Payment[] calldata payments)
        external
    {
        EpochNodes.reserve();
        _prove(epoch, openings, proof);
        _redeem(payments);
    }

    /// The block's header says it, unless it was noted.
    function _seedOfLayers(bytes32 id, Openings calldata openings) private view returns (bytes32 seed) {
        if (openings.header.length != 0) return beacon.seedOf(openings.header, openings.drawBlock);
        seed = _layerSeed[id];
        if (seed == 0) revert NotDrawnYet(id);
    }

    // ---------------------------------------------------------------- ends

    /// @inheritdoc IEpochBook
    function settle(Epoch calldata epoch) external {
        bytes32 id = _at(epoch, EpochStatus.Proven);
        _requireLive(epoch.provider, epoch.version);
        uint256 deadline = epoch.committedAt() + challengeWindow;
        if (block.timestamp <= deadline) revert DeadlineNotPassed(deadline);
        uint256 open = openDisputes(id);
        if (open != 0) revert OpenDisputes(id, open);
        uint256 own = _lines[epoch.provider][epoch.version];
        // A voucher pays for all epochs up to one: none of them may have been false.
        if (own.settled() != epoch.number()) revert OutOfOrder(own.settled(), epoch.number());
        _usableHead(epoch);
        _settle(epoch, id, own);
    }

    /// @inheritdoc IEpochBook
    function expire(Epoch calldata epoch, FixedDraws calldata fixed_) external {
        (bytes32 id, EpochStatus status) = _live(epoch);
        uint256 deadline;
        if (status == EpochStatus.Committed) {
            deadline = epoch.committedAt() + challengeWindow;
        } else if (status == EpochStatus.Fixed) {
            _requireFixed(id, fixed_.seed, fixed_.commitments, fixed_.fixedAt, fixed_.drawBlock);
            deadline = uint256(fixed_.fixedAt) + proveWindow;
        } else {
            revert NothingMissing(id);
        }
        if (block.timestamp <= deadline) revert DeadlineNotPassed(deadline);
        _usableHead(epoch);
        _slash(epoch.provider, epoch.version, msg.sender);
    }

    /// @inheritdoc IEpochBook
    function voidEpoch(Epoch calldata epoch) external {
        (bytes32 id,) = _live(epoch);
        address verifier = EpochPage.headOf(EpochPage.read(epoch.page)).verifier;
        if (registry.verifierUsable(verifier)) revert VerifierStillUsable(verifier);
        _lines[epoch.provider][epoch.version] -= epoch.exposure() * LineWords.EXPOSED;
        _move(id, EpochStatus.Voided);
    }

    // ---------------------------------------------------------------- the contract of disputes

    /// @inheritdoc IEpochBook
    function opened(bytes32 id) external onlyDisputes {
        uint256 kept = _kept[id];
        if (kept & DISPUTES == DISPUTES) revert OpenDisputes(id, DISPUTES / DISPUTE);
        _kept[id] = kept + DISPUTE;
    }

    /// @inheritdoc IEpochBook
    function closed(bytes32 id) external onlyDisputes {
        _kept[id] -= DISPUTE;
    }

    /// @inheritdoc IEpochBook
    function slash(address provider, bytes32 version, address reporter) external onlyDisputes {
        _slash(provider, version, reporter);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEpochBook
    function statusOf(bytes32 id) public view returns (EpochStatus) {
        return EpochStatus(_kept[id] & STATUS);
    }

    /// @inheritdoc IEpochBook
    function openDisputes(bytes32 id) public view returns (uint256) {
        return (_kept[id] & DISPUTES) / DISPUTE;
    }

    /// @inheritdoc IEpochBook
    function versionOf(address page) external view returns (bytes32) {
        return _versionOf[page];
    }

    /// @inheritdoc IEpochBook
    function pageOf(address page) public view returns (PageHead memory) {
        if (_versionOf[page] == 0) revert UnknownPage(page, 0);
        return EpochPage.headOf(EpochPage.read(page));
    }

    /// @inheritdoc IEpochBook
    function exposureOf(address page, uint256 count, uint256 draws) public view returns (uint256) {
        if (_versionOf[page] == 0) revert UnknownPage(page, 0);
        return _exposure(page, count, draws);
    }

    /// @inheritdoc IEpochBook
    function commitDigest(Epoch calldata epoch) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(COMMIT_TYPEHASH, epoch)));
    }

    /// @inheritdoc IEpochBook
    function fixDigest(bytes32 target, bytes32 commitments) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(FIX_TYPEHASH, target, commitments)));
    }

    // ---------------------------------------------------------------- internal

    function _prove(Epoch calldata epoch, Openings calldata openings, bytes calldata proof) private {
        bytes32 id = _at(epoch, EpochStatus.Fixed);
        _requireLive(epoch.provider, epoch.version);
        uint256 deadline = uint256(openings.fixedAt) + proveWindow;
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        bytes32 seed = _seedOfLayers(id, openings);
        bytes memory page = EpochPage.read(epoch.page);
        PageHead memory head = EpochPage.headOf(page);
        if (!registry.verifierUsable(head.verifier)) revert VerifierUnusable(head.verifier);
        (uint256[4] memory publicInputs, bytes32 commitments) = EpochNodes.compute(epoch, openings, seed, page, head);
        _requireFixed(id, openings.seed, commitments, openings.fixedAt, openings.drawBlock);
        // Reverts unless the proof is valid; without gas too, so that this decides nothing.
        IFinalVerifier(head.verifier).verify(proof, publicInputs);

        uint256 own = _lines[epoch.provider][epoch.version];
        bool waits = block.timestamp <= epoch.committedAt() + challengeWindow;
        if (waits || own.settled() != epoch.number() || openDisputes(id) != 0) _move(id, EpochStatus.Proven);
        else _settle(epoch, id, own);
    }

    function _settle(Epoch calldata epoch, bytes32 id, uint256 own) private {
        uint256 less = LineWords.OPEN + epoch.exposure() * LineWords.EXPOSED;
        _lines[epoch.provider][epoch.version] = own - less + epoch.count() * LineWords.ANSWERS;
        _move(id, EpochStatus.Settled);
    }

    function _exposure(address page, uint256 count, uint256 draws) private view returns (uint256) {
        PageHead memory head = EpochPage.headOf(EpochPage.read(page));
        return EpochEconomics.exposure(head.unit, count, draws, uint256(head.challengeBond) * head.layers);
    }

    function _move(bytes32 id, EpochStatus status) private {
        _kept[id] = _kept[id] & DISPUTES | uint256(status);
        emit EpochMoved(id, status);
    }

    /// With a frozen verifier proofs were worth nothing and could not be given any more: only voiding is fair.
    function _usableHead(Epoch calldata epoch) internal view returns (PageHead memory head) {
        head = EpochPage.headOf(EpochPage.read(epoch.page));
        if (!registry.verifierUsable(head.verifier)) revert VerifierUnusable(head.verifier);
    }

    /// Neither settled nor void, of a line that is not over.
    function _live(Epoch calldata epoch) internal view returns (bytes32 id, EpochStatus status) {
        id = epoch.id();
        status = statusOf(id);
        if (status == EpochStatus.None) revert UnknownEpoch(id);
        if (status >= EpochStatus.Settled) revert EpochIsOver(id, status);
        _requireLive(epoch.provider, epoch.version);
    }

    /// Of a line that may be over: that is not looked at where nothing follows from it.
    function _at(Epoch calldata epoch, EpochStatus expected) private view returns (bytes32 id) {
        id = epoch.id();
        EpochStatus status = statusOf(id);
        if (status == EpochStatus.None) revert UnknownEpoch(id);
        if (status != expected) revert WrongEpochStatus(id, expected, status);
    }

    function _requireFixed(bytes32 id, bytes32 seed, bytes32 commitments, uint40 fixedAt, uint48 drawBlock)
        private
        view
    {
        if (_kept[id] & DIGEST != _digestOf(seed, commitments, fixedAt, drawBlock)) revert NotWhatWasFixed(id);
    }

    function _digestOf(bytes32 seed, bytes32 commitments, uint40 fixedAt, uint48 drawBlock)
        private
        pure
        returns (uint256)
    {
        return uint256(keccak256(abi.encode(seed, commitments, fixedAt, drawBlock))) & DIGEST;
    }
}
