// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt, Epoch } from "./interfaces/EpochTypes.sol";
import { IBondEscrow } from "./interfaces/IBondEscrow.sol";
import { EpochStatus, IEpochBook, Line } from "./interfaces/IEpochBook.sol";
import { Activations, Dispute, DisputeStatus, IEpochDisputes, Placed } from "./interfaces/IEpochDisputes.sol";
import { IFinalVerifier } from "./interfaces/IFinalVerifier.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { Leaf, Tree } from "./interfaces/Types.sol";
import { EpochEconomics } from "./libraries/EpochEconomics.sol";
import { EpochNodes } from "./libraries/EpochNodes.sol";
import { EpochPage, PageHead } from "./libraries/EpochPage.sol";
import { EpochTree } from "./libraries/EpochTree.sol";
import { EpochWords } from "./libraries/EpochWords.sol";
import { LayerSet } from "./libraries/LayerSet.sol";
import { NodeTree } from "./libraries/NodeTree.sol";
import { Signatures } from "./libraries/Signatures.sol";
import { Statement, StatementParts } from "./libraries/Statement.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Disputes about epochs: demands of receipts, and challenges of answers
/// @notice Holds no money: bonds are holds in the escrow.
/// @dev Calls untrusted code (signers, verifiers) only by `staticcall`, so nothing can enter again.
contract EpochDisputes is IEpochDisputes, EIP712, ERC165 {
    using EpochWords for Epoch;

    bytes32 public constant RECEIPT_TYPEHASH = keccak256(
        "AnswerReceipt(address provider,bytes32 version,uint32 epoch,uint32 index,address requester,bytes32 inputDigest,"
        "bytes32 outputDigest,uint32 promptTokens,uint32 newTokens,bytes32 decoding,bytes32 seedDigest)"
    );
    bytes32 public constant FIX_ANSWER_TYPEHASH = keccak256("FixAnswer(bytes32 dispute,bytes32 commitments)");

    /// Words of a point.
    uint256 private constant POINT_WORDS = 3;

    IBondEscrow public immutable escrow;
    IModelRegistry public immutable registry;
    IEpochBook public immutable book;
    mapping(bytes32 dispute => Dispute) private _disputes;
    mapping(address provider => mapping(bytes32 version => uint256)) private _bondsOf;

    constructor(IBondEscrow escrow_, IModelRegistry registry_, IEpochBook book_) EIP712("nanozk EpochDisputes", "1") {
        escrow = escrow_;
        registry = registry_;
        book = book_;
    }

    // ---------------------------------------------------------------- receipts

    /// @inheritdoc IEpochDisputes
    function demand(Epoch calldata epoch, AnswerReceipt calldata receipt, bytes calldata signature) external {
        bytes32 id = _disputable(epoch);
        bool same = receipt.provider == epoch.provider && receipt.version == epoch.version;
        if (!same || receipt.epoch != epoch.number()) revert ReceiptOfAnother(id);
        // Whoever sees a demand pending must not take its reward.
        if (msg.sender != receipt.requester) revert NotRequester(receipt.requester, msg.sender);
        // Nobody can show that as an answer of this contract, and whoever takes such a receipt knows it.
        if (receipt.decoding != Statement.GREEDY) revert DecodingNotGreedy(receipt.decoding);
        bytes32 digest = _signed(receipt, signature);
        uint40 until = _open(demandId(id, digest), id, 0);
        emit Demanded(id, digest, msg.sender, until);
    }

    /// @inheritdoc IEpochDisputes
    function show(
        Epoch calldata epoch,
        AnswerReceipt calldata receipt,
        bytes calldata inStatements,
        bytes calldata inReceipts
    ) external {
        _requireAt(epoch, receipt.index, _statementOfReceipt(epoch, receipt), inStatements, epoch.statements);
        bytes32 digest = receiptDigest(receipt);
        _requireAt(epoch, receipt.index, digest, inReceipts, epoch.receipts);
        bytes32 id = _live(epoch);
        bytes32 dispute = demandId(id, digest);
        _turn(dispute, DisputeStatus.Open);
        _close(dispute, id, DisputeStatus.Answered);
    }

    /// @inheritdoc IEpochDisputes
    function contradict(
        AnswerReceipt calldata one,
        bytes calldata signatureOfOne,
        AnswerReceipt calldata other,
        bytes calldata signatureOfOther
    ) external {
        bool same = one.provider == other.provider && one.version == other.version && one.epoch == other.epoch
            && one.index == other.index;
        if (!same || _signed(one, signatureOfOne) == _signed(other, signatureOfOther)) revert NotAContradiction();
        Line memory line = book.line(one.provider, one.version);
        uint256 settled = line.next - line.open;
        if (one.epoch < settled) revert IEpochBook.OutOfOrder(settled, one.epoch);
        if (line.over) revert IEpochBook.LineIsOver(one.provider, one.version);
        book.slash(one.provider, one.version, msg.sender);
    }

    // ---------------------------------------------------------------- answers

    /// @inheritdoc IEpochDisputes
    function challenge(Epoch calldata epoch, uint256 index, uint256 mostBond) external {
        bytes32 id = _disputable(epoch);
        if (index >= epoch.count()) revert NoSuchAnswer(epoch.count(), index);
        uint256 held = _bondOf(epoch, _usableHead(epoch));
        // Another's challenge may have come first.
        if (held > mostBond) revert BondAbove(mostBond, held);
        ++_bondsOf[epoch.provider][epoch.version];
        bytes32 dispute = challengeId(id, index, msg.sender);
        uint40 until = _open(dispute, id, held);
        emit Challenged(id, index, msg.sender, until, held);
        escrow.holdFree(dispute, msg.sender, registry.policy(epoch.version).asset, held);
    }

    /// @inheritdoc IEpochDisputes
    function fixAnswer(
        Epoch calldata epoch,
        Placed calldata answer,
        address challenger,
        bytes32 digest,
        uint256[] calldata words,
        bytes calldata signature
    ) external {
        bytes32 statement = _placed(epoch, answer, _modelId(epoch));
        bytes32 id = _unsettled(epoch);
        bytes32 dispute = challengeId(id, answer.index, challenger);
        _turn(dispute, DisputeStatus.Open);
        // In another's name nobody fixes what cannot be proven.
        bytes32 said = fixDigest(dispute, keccak256(abi.encodePacked(digest, words)));
        if (!Signatures.consents(epoch.provider, said, signature)) revert BadSignature(epoch.provider);
        Activations memory fixed_ = _activations(digest, words);
        _disputes[dispute].commitments = keccak256(abi.encode(statement, fixed_));
        _next(dispute, DisputeStatus.Fixed);
        emit CommitmentsFixed(id, answer.index, challenger, fixed_, words);
    }

    /// @inheritdoc IEpochDisputes
    function ask(Epoch calldata epoch, uint256 index, uint256 layers) external {
        bytes32 id = _unsettled(epoch);
        (bytes32 dispute, Dispute storage kept) = _turn(challengeId(id, index, msg.sender), DisputeStatus.Fixed);
        uint256 all = LayerSet.all(EpochPage.headOf(EpochPage.read(epoch.page)).layers);
        if (layers == 0 || layers & ~all != 0) revert NoSuchLayers(all, layers);
        kept.asked = layers;
        uint40 until = _next(dispute, DisputeStatus.Asked);
        emit LayersAsked(id, index, msg.sender, layers, until);
    }

    /// @inheritdoc IEpochDisputes
    function prove(
        Epoch calldata epoch,
        Placed calldata answer,
        address challenger,
        Activations calldata activations,
        Leaf[] calldata leaves,
        Tree calldata tree,
        bytes calldata proof
    ) external {
        bytes32 id = _unsettled(epoch);
        PageHead memory head = _usableHead(epoch);
        bytes32 dispute = challengeId(id, answer.index, challenger);
        bytes32 statement = _placed(epoch, answer, head.modelId);
        (uint256[4] memory publicInputs, uint256 set) =
            _publicInputs(answer, statement, activations, leaves, tree, head);
        // All layers together say that the answer is the model's, whatever commitments they say it of, and close any
        // turn.
        if (set != LayerSet.all(head.layers)) {
            (, Dispute storage kept) = _turn(dispute, DisputeStatus.Asked);
            if (keccak256(abi.encode(statement, activations)) != kept.commitments) revert NotWhatWasFixed(dispute);
            uint256 missing = kept.asked & ~set;
            if (missing != 0) revert LayersNotProven(missing);
        } else {
            _requireOpen(dispute);
        }
        IFinalVerifier(head.verifier).verify(proof, publicInputs);
        _close(dispute, id, DisputeStatus.Answered);
    }

    // ---------------------------------------------------------------- ends

    /// @inheritdoc IEpochDisputes
    function timeout(Epoch calldata epoch, bytes32 dispute) external {
        bytes32 id = _unsettled(epoch);
        Dispute storage kept = _disputeOf(id, dispute);
        DisputeStatus status = kept.status;
        if (status == DisputeStatus.None || status >= DisputeStatus.Answered) {
            revert WrongDisputeStatus(dispute, DisputeStatus.Open, status);
        }
        if (block.timestamp <= kept.until) revert DeadlineNotPassed(kept.until);
        if (status == DisputeStatus.Fixed) return _close(dispute, id, DisputeStatus.Dropped);
        _usableHead(epoch);
        _live(epoch);
        book.slash(epoch.provider, epoch.version, kept.challenger);
    }

    /// @inheritdoc IEpochDisputes
    function resolve(Epoch calldata epoch, bytes32 dispute) external {
        bytes32 id = epoch.id();
        EpochStatus status = book.statusOf(id);
        Dispute storage kept = _disputeOf(id, dispute);
        if (!kept.bonded) revert NoBond(dispute);
        kept.bonded = false;
        --_bondsOf[epoch.provider][epoch.version];
        address to = kept.challenger;
        if (_isLost(epoch, status, kept)) {
            to = epoch.provider;
            escrow.pay(dispute, to);
        } else {
            escrow.release(dispute);
        }
        emit BondMoved(dispute, to);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEpochDisputes
    function disputeOf(bytes32 dispute) external view returns (Dispute memory) {
        return _disputes[dispute];
    }

    /// @inheritdoc IEpochDisputes
    function disputesOf(bytes32[] calldata disputes) external view returns (Dispute[] memory all) {
        all = new Dispute[](disputes.length);
        for (uint256 i = 0; i < disputes.length; ++i) {
            all[i] = _disputes[disputes[i]];
        }
    }

    /// @inheritdoc IEpochDisputes
    function bondOf(Epoch calldata epoch) external view returns (uint256) {
        _live(epoch);
        return _bondOf(epoch, _usableHead(epoch));
    }

    /// @inheritdoc IEpochDisputes
    function demandId(bytes32 epoch, bytes32 receipt) public pure returns (bytes32) {
        return keccak256(abi.encode("demand", epoch, receipt));
    }

    /// @inheritdoc IEpochDisputes
    function challengeId(bytes32 epoch, uint256 index, address challenger) public pure returns (bytes32) {
        return keccak256(abi.encode("challenge", epoch, index, challenger));
    }

    /// @inheritdoc IEpochDisputes
    function receiptDigest(AnswerReceipt calldata receipt) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RECEIPT_TYPEHASH, receipt)));
    }

    /// @inheritdoc IEpochDisputes
    function statementOf(Epoch calldata epoch, Placed calldata answer) external view returns (bytes32) {
        return _statementOf(epoch, answer, _modelId(epoch));
    }

    /// @inheritdoc IEpochDisputes
    function fixDigest(bytes32 dispute, bytes32 commitments) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(FIX_ANSWER_TYPEHASH, dispute, commitments)));
    }

    /// @inheritdoc IEpochDisputes
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IEpochDisputes).interfaceId || super.supportsInterface(id);
    }

    // ---------------------------------------------------------------- internal

    /// Neither settled nor void; its line may be over.
    function _unsettled(Epoch calldata epoch) private view returns (bytes32 id) {
        id = epoch.id();
        EpochStatus status = book.statusOf(id);
        if (status == EpochStatus.None) revert IEpochBook.UnknownEpoch(id);
        if (status >= EpochStatus.Settled) revert IEpochBook.EpochIsOver(id, status);
    }

    function _live(Epoch calldata epoch) private view returns (bytes32 id) {
        id = _unsettled(epoch);
        if (book.line(epoch.provider, epoch.version).over) revert IEpochBook.LineIsOver(epoch.provider, epoch.version);
    }

    /// With a frozen verifier proofs were worth nothing and could not be given any more: only voiding is fair.
    function _usableHead(Epoch calldata epoch) private view returns (PageHead memory head) {
        head = EpochPage.headOf(EpochPage.read(epoch.page));
        if (!registry.verifierUsable(head.verifier)) revert VerifierUnusable(head.verifier);
    }

    /// Whoever answers may have to answer for all layers.
    function _bondOf(Epoch calldata epoch, PageHead memory head) private view returns (uint256) {
        return EpochEconomics.challengeBond(
            uint256(head.challengeBond) * head.layers,
            _bondsOf[epoch.provider][epoch.version],
            book.line(epoch.provider, epoch.version).balance
        );
    }

    /// Whether a challenger was wrong, or asked for nothing. Each challenge ends by its own turns, whatever its line is
    /// slashed for: or whoever opens more challenges than a provider can answer would pay for none of them.
    function _isLost(Epoch calldata epoch, EpochStatus status, Dispute storage kept) private view returns (bool) {
        // Each was answered, or nothing was asked.
        if (status == EpochStatus.Settled) return true;
        // It cannot be known any more who was right.
        if (status == EpochStatus.Voided) return false;
        if (!book.line(epoch.provider, epoch.version).over) revert StillOpen(kept.epoch);
        address verifier = EpochPage.headOf(EpochPage.read(epoch.page)).verifier;
        if (!registry.verifierUsable(verifier)) return false;
        if (kept.status >= DisputeStatus.Answered) return true;
        if (block.timestamp <= kept.until) revert StillOpen(kept.epoch);
        return kept.status == DisputeStatus.Fixed;
    }

    function _disputable(Epoch calldata epoch) private view returns (bytes32 id) {
        id = _live(epoch);
        uint256 deadline = epoch.committedAt() + book.challengeWindow();
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
    }

    function _open(bytes32 dispute, bytes32 id, uint256 held) private returns (uint40 until) {
        if (_disputes[dispute].status != DisputeStatus.None) revert DisputeExists(dispute);
        until = uint40(block.timestamp) + book.answerWindow();
        _disputes[dispute] = Dispute(msg.sender, DisputeStatus.Open, until, held != 0, id, 0, 0);
        book.opened(id);
    }

    /// Whose turn it is has until the deadline.
    function _turn(bytes32 dispute, DisputeStatus expected) private view returns (bytes32, Dispute storage kept) {
        kept = _disputes[dispute];
        if (kept.status != expected) revert WrongDisputeStatus(dispute, expected, kept.status);
        if (block.timestamp > kept.until) revert DeadlinePassed(kept.until);
        return (dispute, kept);
    }

    /// Neither closed nor overdue.
    function _requireOpen(bytes32 dispute) private view {
        DisputeStatus status = _disputes[dispute].status;
        _turn(dispute, status < DisputeStatus.Answered && status != DisputeStatus.None ? status : DisputeStatus.Open);
    }

    function _next(bytes32 dispute, DisputeStatus status) private returns (uint40 until) {
        until = uint40(block.timestamp) + book.answerWindow();
        Dispute storage kept = _disputes[dispute];
        (kept.status, kept.until) = (status, until);
        emit DisputeMoved(dispute, status);
    }

    function _close(bytes32 dispute, bytes32 id, DisputeStatus status) private {
        _disputes[dispute].status = status;
        book.closed(id);
        emit DisputeMoved(dispute, status);
    }

    function _disputeOf(bytes32 id, bytes32 dispute) private view returns (Dispute storage kept) {
        kept = _disputes[dispute];
        if (kept.epoch != id) revert UnknownDispute(dispute);
    }

    /// The receipt's digest, which its provider signed.
    function _signed(AnswerReceipt calldata receipt, bytes calldata signature) private view returns (bytes32 digest) {
        digest = receiptDigest(receipt);
        if (!Signatures.consents(receipt.provider, digest, signature)) revert BadSignature(receipt.provider);
    }

    function _activations(bytes32 digest, uint256[] calldata words) private pure returns (Activations memory fixed_) {
        if (words.length == 0 || words.length % POINT_WORDS != 0) revert BadPoints(words.length);
        fixed_.digest = digest;
        (fixed_.point, fixed_.fingerprint) = NodeTree.activations(digest, words);
    }

    /// The statement of an answer that is in its place.
    function _placed(Epoch calldata epoch, Placed calldata answer, bytes32 modelId)
        private
        view
        returns (bytes32 statement)
    {
        statement = _statementOf(epoch, answer, modelId);
        _requireAt(epoch, answer.index, statement, answer.siblings, epoch.statements);
    }

    function _statementOf(Epoch calldata epoch, Placed calldata answer, bytes32 modelId)
        private
        view
        returns (bytes32)
    {
        StatementParts memory parts = _parts(epoch, answer.index, modelId);
        (parts.inputDigest, parts.outputDigest) = (answer.inputDigest, answer.outputDigest);
        (parts.promptTokens, parts.newTokens) = (answer.promptTokens, answer.newTokens);
        return Statement.digest(parts);
    }

    function _statementOfReceipt(Epoch calldata epoch, AnswerReceipt calldata receipt) private view returns (bytes32) {
        StatementParts memory parts = _parts(epoch, receipt.index, _modelId(epoch));
        (parts.inputDigest, parts.outputDigest) = (receipt.inputDigest, receipt.outputDigest);
        (parts.promptTokens, parts.newTokens) = (receipt.promptTokens, receipt.newTokens);
        return Statement.digest(parts);
    }

    /// What the statements of all answers of an epoch have in common, and the answer's word.
    function _parts(Epoch calldata epoch, uint256 index, bytes32 modelId)
        private
        view
        returns (StatementParts memory parts)
    {
        parts.book = address(book);
        parts.job = EpochNodes.answerOf(epoch.provider, epoch.version, epoch.number(), index);
        parts.recipient = epoch.provider;
        parts.modelId = modelId;
        parts.decoding = Statement.GREEDY;
    }

    function _modelId(Epoch calldata epoch) private view returns (bytes32) {
        return EpochPage.headOf(EpochPage.read(epoch.page)).modelId;
    }

    function _requireAt(Epoch calldata epoch, uint256 index, bytes32 leaf, bytes calldata siblings, bytes32 root)
        private
        pure
    {
        if (index >= epoch.count()) revert NoSuchAnswer(epoch.count(), index);
        uint256[] memory nodes = new uint256[](EpochTree.FRONT + EpochTree.LEAF);
        (nodes[2], nodes[3]) = (index, uint256(leaf));
        EpochTree.check(nodes, EpochTree.height(epoch.count()), siblings, root);
    }

    function _publicInputs(
        Placed calldata answer,
        bytes32 statement,
        Activations calldata activations,
        Leaf[] calldata leaves,
        Tree calldata tree,
        PageHead memory head
    ) private pure returns (uint256[4] memory publicInputs, uint256 set) {
        uint256[] memory list = NodeTree.sessionRoom();
        list[2] = uint256(statement) >> 128;
        list[3] = uint128(uint256(statement));
        (list[4], list[5]) = (uint256(answer.inputDigest), uint256(answer.outputDigest));
        (list[6], list[7]) = (answer.promptTokens, answer.newTokens);
        list[9] = uint256(activations.digest);
        (list[10], list[11]) = (activations.point, activations.fingerprint);
        uint256[] memory nodes = NodeTree.room(leaves.length);
        set = NodeTree.add(nodes, 0, list, leaves, head.programRoot, head.layers);
        publicInputs = NodeTree.top(nodes, tree);
    }
}
