// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow, Share, Source } from "./interfaces/IBondEscrow.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title The only holder of money
contract BondEscrow is IBondEscrow, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Account {
        uint256 free;
        uint256 bonded;
        uint256 encumbered;
        uint256 queued;
        uint64 availableAt;
    }

    /// One word, which is freed when the hold is over.
    struct Hold {
        address account;
        /// `Source`, and above its two bits the asset's place in `_assetAt`.
        uint8 kind;
        uint88 amount;
    }

    /// Bits of a `Source`.
    uint256 private constant SOURCE_BITS = 2;
    /// @notice Most assets besides ETH.
    uint256 public constant MAX_TOKENS = 63;

    /// @notice Where burned money goes; nobody has the key.
    address public constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    /// @notice Longest delay of an unbonding.
    uint64 public constant MAX_UNBOND_DELAY = 30 days;
    address private constant ETH = address(0);

    /// @inheritdoc IBondEscrow
    uint64 public immutable unbondDelay;
    /// @inheritdoc IBondEscrow
    mapping(address account => bool) public isOperator;
    /// @inheritdoc IBondEscrow
    mapping(address asset => bool) public isAllowed;
    /// @inheritdoc IBondEscrow
    mapping(address asset => uint256) public ledger;
    /// @inheritdoc IBondEscrow
    mapping(address asset => uint256) public burned;

    address[] private _operators;
    address[] private _assets;
    mapping(address account => mapping(address asset => Account)) private _accounts;
    mapping(bytes32 id => Hold) private _holds;
    /// Tokens by their place, which starts with 1; place 0 is ETH's.
    mapping(address token => uint256) private _placeOf;
    mapping(uint256 place => address) private _assetAt;

    modifier onlyOperator() {
        _requireOperator();
        _;
    }

    constructor(address[] memory operators_, address[] memory assets_, uint64 unbondDelay_) {
        if (unbondDelay_ > MAX_UNBOND_DELAY) revert UnbondDelayTooLong(MAX_UNBOND_DELAY, unbondDelay_);
        for (uint256 i = 0; i < operators_.length; ++i) {
            isOperator[operators_[i]] = true;
        }
        uint256 tokens = 0;
        for (uint256 i = 0; i < assets_.length; ++i) {
            if (assets_[i] != ETH && assets_[i].code.length == 0) revert AssetNotAllowed(assets_[i]);
            isAllowed[assets_[i]] = true;
            if (assets_[i] == ETH) continue;
            if (++tokens > MAX_TOKENS) revert TooManyAssets(MAX_TOKENS, assets_.length);
            (_placeOf[assets_[i]], _assetAt[tokens]) = (tokens, assets_[i]);
        }
        _operators = operators_;
        _assets = assets_;
        unbondDelay = unbondDelay_;
    }

    /// @inheritdoc IBondEscrow
    function deposit(address asset, uint256 amount) external payable nonReentrant {
        _deposit(msg.sender, asset, amount);
    }

    /// @inheritdoc IBondEscrow
    function depositFor(address account, address asset, uint256 amount) external payable nonReentrant {
        _deposit(account, asset, amount);
    }

    /// @inheritdoc IBondEscrow
    function depositWithPermit(address asset, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        if (!isAllowed[asset]) revert AssetNotAllowed(asset);
        if (asset == ETH) revert WrongValue(amount, 0);
        // Somebody may have sent the permit already: what counts is the allowance it left.
        try IERC20Permit(asset).permit(msg.sender, address(this), amount, deadline, v, r, s) { } catch { }
        _deposit(msg.sender, asset, amount);
    }

    /// @inheritdoc IBondEscrow
    function withdraw(address asset, uint256 amount, address to) external nonReentrant {
        if (amount == 0) revert AmountZero();
        if (to == address(0)) revert ZeroAddress();
        _takeFree(msg.sender, asset, amount);
        ledger[asset] -= amount;
        emit Withdrawn(msg.sender, asset, amount, to);
        _pay(asset, amount, to);
    }

    /// @inheritdoc IBondEscrow
    function bond(address asset, uint256 amount) external {
        if (amount == 0) revert AmountZero();
        _takeFree(msg.sender, asset, amount);
        _accounts[msg.sender][asset].bonded += amount;
        emit Bonded(msg.sender, asset, amount);
    }

    /// @inheritdoc IBondEscrow
    function requestUnbond(address asset, uint256 amount) external {
        if (amount == 0) revert AmountZero();
        _takeBonded(msg.sender, asset, amount);
        Account storage account = _accounts[msg.sender][asset];
        account.queued += amount;
        account.availableAt = uint64(block.timestamp) + unbondDelay;
        emit UnbondRequested(msg.sender, asset, amount, account.availableAt);
    }

    /// @inheritdoc IBondEscrow
    function unbond(address asset) external {
        Account storage account = _accounts[msg.sender][asset];
        uint256 amount = account.queued;
        if (amount == 0) revert NothingQueued(msg.sender, asset);
        if (block.timestamp < account.availableAt) revert NotYetAvailable(account.availableAt);
        account.queued = 0;
        account.availableAt = 0;
        account.free += amount;
        emit Unbonded(msg.sender, asset, amount);
    }

    /// @inheritdoc IBondEscrow
    function sweepBurned(address asset) external nonReentrant {
        uint256 amount = burned[asset];
        if (amount == 0) revert AmountZero();
        burned[asset] = 0;
        ledger[asset] -= amount;
        emit BurnedSwept(asset, amount);
        _pay(asset, amount, BURN_ADDRESS);
    }

    /// @inheritdoc IBondEscrow
    function holdFree(bytes32 hold, address account, address asset, uint256 amount) external onlyOperator {
        _takeFree(account, asset, amount);
        _hold(hold, account, asset, amount, Source.Free);
    }

    /// @inheritdoc IBondEscrow
    function holdBond(bytes32 hold, address account, address asset, uint256 amount) external onlyOperator {
        _takeBonded(account, asset, amount);
        _accounts[account][asset].encumbered += amount;
        _hold(hold, account, asset, amount, Source.Bond);
    }

    /// @inheritdoc IBondEscrow
    function release(bytes32 hold) external onlyOperator {
        _release(hold);
    }

    /// @inheritdoc IBondEscrow
    function pay(bytes32 hold, address account) external onlyOperator {
        _payOut(hold, account);
    }

    /// @inheritdoc IBondEscrow
    function payAndRelease(bytes32 paid, address account, bytes32 released) external onlyOperator {
        _payOut(paid, account);
        _release(released);
    }

    /// @inheritdoc IBondEscrow
    function share(bytes32 hold, Share[] calldata shares) external onlyOperator {
        (address asset, uint256 held) = _take(hold);
        uint256 shared = 0;
        for (uint256 i = 0; i < shares.length; ++i) {
            (address account, uint256 amount) = (shares[i].account, shares[i].amount);
            // What nobody owns would be stuck: it counts as named by no share.
            if (account == address(0)) continue;
            shared += amount;
            _accounts[account][asset].free += amount;
            emit Shared(hold, account, asset, amount);
        }
        if (shared > held) revert SharesExceedHold(hold, held, shared);
        uint256 rest = held - shared;
        if (rest != 0) {
            burned[asset] += rest;
            emit Burned(hold, asset, rest);
        }
    }

    /// @inheritdoc IBondEscrow
    function free(address account, address asset) external view returns (uint256) {
        return _accounts[account][asset].free;
    }

    /// @inheritdoc IBondEscrow
    function bonded(address account, address asset) external view returns (uint256) {
        return _accounts[account][asset].bonded;
    }

    /// @inheritdoc IBondEscrow
    function encumbered(address account, address asset) external view returns (uint256) {
        return _accounts[account][asset].encumbered;
    }

    /// @inheritdoc IBondEscrow
    function queued(address account, address asset) external view returns (uint256 amount, uint64 availableAt) {
        Account storage a = _accounts[account][asset];
        return (a.queued, a.availableAt);
    }

    /// @inheritdoc IBondEscrow
    function holdOf(bytes32 hold)
        external
        view
        returns (address account, address asset, uint256 amount, Source source)
    {
        return _read(hold);
    }

    /// @inheritdoc IBondEscrow
    function operators() external view returns (address[] memory) {
        return _operators;
    }

    /// @inheritdoc IBondEscrow
    function assets() external view returns (address[] memory) {
        return _assets;
    }

    function _deposit(address account, address asset, uint256 amount) private {
        if (!isAllowed[asset]) revert AssetNotAllowed(asset);
        if (amount == 0) revert AmountZero();
        if (account == address(0)) revert ZeroAddress();
        uint256 value = asset == ETH ? amount : 0;
        if (msg.value != value) revert WrongValue(value, msg.value);
        if (asset != ETH) {
            uint256 before = IERC20(asset).balanceOf(address(this));
            // A token that took from its holders already must not make later ones pay.
            if (before < ledger[asset]) revert Insolvent(asset, ledger[asset], before);
            IERC20(asset).safeTransferFrom(msg.sender, address(this), amount);
            _requireDelta(asset, amount, before, IERC20(asset).balanceOf(address(this)));
        }
        ledger[asset] += amount;
        _accounts[account][asset].free += amount;
        emit Deposited(account, asset, amount, msg.sender);
    }

    /// @dev The last thing that a function does.
    function _pay(address asset, uint256 amount, address to) private {
        if (asset == ETH) {
            (bool ok,) = to.call{ value: amount }("");
            if (!ok) revert TransferFailed(asset, to, amount);
        } else {
            uint256 before = IERC20(asset).balanceOf(address(this));
            IERC20(asset).safeTransfer(to, amount);
            // A fee on top would be paid by the other holders.
            _requireDelta(asset, amount, IERC20(asset).balanceOf(address(this)), before);
        }
    }

    function _requireDelta(address asset, uint256 expected, uint256 low, uint256 high) private pure {
        uint256 got = high > low ? high - low : 0;
        if (got != expected) revert DeltaMismatch(asset, expected, got);
    }

    function _takeFree(address account, address asset, uint256 amount) private {
        uint256 available = _accounts[account][asset].free;
        if (amount > available) revert InsufficientFree(account, asset, amount, available);
        _accounts[account][asset].free = available - amount;
    }

    function _takeBonded(address account, address asset, uint256 amount) private {
        uint256 available = _accounts[account][asset].bonded;
        if (amount > available) revert InsufficientBond(account, asset, amount, available);
        _accounts[account][asset].bonded = available - amount;
    }

    function _hold(bytes32 id, address account, address asset, uint256 amount, Source source) private {
        if (_holds[id].kind != 0) revert HoldExists(id);
        if (amount > type(uint88).max) revert AmountTooLarge(type(uint88).max, amount);
        uint256 place = asset == ETH ? 0 : _placeOf[asset];
        if (asset != ETH && place == 0) revert AssetNotAllowed(asset);
        // forge-lint: disable-next-line(unsafe-typecast) at most 63 assets and two bits; the amount was compared
        _holds[id] = Hold(account, uint8(place << SOURCE_BITS | uint256(source)), uint88(amount));
        emit Held(id, account, asset, amount, source);
    }

    /// Zero if there is none.
    function _read(bytes32 id) private view returns (address account, address asset, uint256 amount, Source source) {
        Hold memory h = _holds[id];
        uint256 place = h.kind >> SOURCE_BITS;
        if (place != 0) asset = _assetAt[place];
        return (h.account, asset, h.amount, Source(h.kind & (2 ** SOURCE_BITS - 1)));
    }

    function _release(bytes32 id) private {
        (address account, Source source, address asset, uint256 amount) = _end(id);
        Account storage owner = _accounts[account][asset];
        if (source == Source.Bond) {
            owner.encumbered -= amount;
            owner.bonded += amount;
        } else {
            owner.free += amount;
        }
        emit Released(id, account, asset, amount);
    }

    function _payOut(bytes32 id, address account) private {
        if (account == address(0)) revert ZeroAddress();
        (address asset, uint256 amount) = _take(id);
        _accounts[account][asset].free += amount;
        emit Shared(id, account, asset, amount);
    }

    /// Ends a hold whose money does not go back.
    function _take(bytes32 id) private returns (address asset, uint256 amount) {
        address account;
        Source source;
        (account, source, asset, amount) = _end(id);
        if (source == Source.Bond) _accounts[account][asset].encumbered -= amount;
    }

    function _end(bytes32 id) private returns (address account, Source source, address asset, uint256 amount) {
        (account, asset, amount, source) = _read(id);
        if (source == Source.None) revert UnknownHold(id);
        delete _holds[id];
    }

    function _requireOperator() private view {
        if (!isOperator[msg.sender]) revert NotOperator(msg.sender);
    }
}
