// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A part of a hold and who gets it, as free balance.
struct Share {
    address account;
    uint256 amount;
}

/// Where the money of a hold came from, and returns to if it is released.
enum Source {
    None,
    Free,
    Bond
}

/// @title The only holder of money
/// @notice For each asset and account: free balance, bond (stake), and a queue of bonds to be freed. Holds are taken
/// from either by the protocol's contracts and end once: released to where they came from, or shared out. What no share
/// names is burned. Tokens leave only by their owner's withdrawal; no transfer is part of a settlement.
interface IBondEscrow {
    event Deposited(address indexed account, address indexed asset, uint256 amount, address from);
    event Withdrawn(address indexed account, address indexed asset, uint256 amount, address to);
    event Bonded(address indexed account, address indexed asset, uint256 amount);
    event UnbondRequested(address indexed account, address indexed asset, uint256 amount, uint64 availableAt);
    event Unbonded(address indexed account, address indexed asset, uint256 amount);
    event Held(bytes32 indexed hold, address indexed account, address indexed asset, uint256 amount, Source source);
    event Released(bytes32 indexed hold, address indexed account, address indexed asset, uint256 amount);
    event Shared(bytes32 indexed hold, address indexed account, address indexed asset, uint256 amount);
    event Burned(bytes32 indexed hold, address indexed asset, uint256 amount);
    event BurnedSwept(address indexed asset, uint256 amount);

    error AssetNotAllowed(address asset);
    error AmountZero();
    /// @notice `msg.value` is not the amount of ETH, or ETH came with a token.
    error WrongValue(uint256 expected, uint256 got);
    /// @notice The token moved another amount than it was asked to: fees and rebasing are not supported.
    error DeltaMismatch(address asset, uint256 expected, uint256 got);
    error InsufficientFree(address account, address asset, uint256 needed, uint256 available);
    error InsufficientBond(address account, address asset, uint256 needed, uint256 available);
    error NotYetAvailable(uint64 availableAt);
    error NothingQueued(address account, address asset);
    error NotOperator(address caller);
    /// @notice The id is taken.
    error HoldExists(bytes32 hold);
    error UnknownHold(bytes32 hold);
    error SharesExceedHold(bytes32 hold, uint256 amount, uint256 shares);
    /// @notice A hold is of at most `max`.
    error AmountTooLarge(uint256 max, uint256 got);
    error TooManyAssets(uint256 max, uint256 got);
    error TransferFailed(address asset, address to, uint256 amount);
    error ZeroAddress();
    error UnbondDelayTooLong(uint64 max, uint64 got);
    /// @notice The token holds less for this contract than is owed: nobody may pay in any more.
    error Insolvent(address asset, uint256 ledger, uint256 balance);

    /// @notice Adds to the caller's free balance. With asset zero, send ETH.
    function deposit(address asset, uint256 amount) external payable;
    /// @notice Adds to the free balance of `account`, from the caller.
    function depositFor(address account, address asset, uint256 amount) external payable;
    /// @notice As `deposit`, with an EIP-2612 permit; a permit that somebody used before is no error.
    function depositWithPermit(address asset, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    /// @notice Pays out of the caller's free balance.
    function withdraw(address asset, uint256 amount, address to) external;
    /// @notice Free balance → bond.
    function bond(address asset, uint256 amount) external;
    /// @notice Bond → queue; a new request joins the old one and starts its delay anew. Bond that is held cannot leave.
    function requestUnbond(address asset, uint256 amount) external;
    /// @notice Queue → free balance, once the delay is over.
    function unbond(address asset) external;
    /// @notice Sends what was burned to 0x…dEaD; anybody may.
    function sweepBurned(address asset) external;

    /// @notice Takes a hold, of less than 2^88, from a free balance. Operators only, who use an id once: of a hold that is
    /// over nothing is kept.
    function holdFree(bytes32 hold, address account, address asset, uint256 amount) external;
    /// @notice The same from a bond.
    function holdBond(bytes32 hold, address account, address asset, uint256 amount) external;
    /// @notice Ends a hold: back to where it came from. Operators only.
    function release(bytes32 hold) external;
    /// @notice Ends a hold: all of it to an account. Operators only.
    function pay(bytes32 hold, address account) external;
    /// @notice Both at once: ends one hold by `pay`, and another by `release`. Operators only.
    function payAndRelease(bytes32 paid, address account, bytes32 released) external;
    /// @notice Ends a hold: to the shares, and what they leave (or name account zero for) is burned. Operators only.
    function share(bytes32 hold, Share[] calldata shares) external;

    function free(address account, address asset) external view returns (uint256);
    /// @notice Bond that is not held.
    function bonded(address account, address asset) external view returns (uint256);
    /// @notice Bond that is held.
    function encumbered(address account, address asset) external view returns (uint256);
    function queued(address account, address asset) external view returns (uint256 amount, uint64 availableAt);
    function holdOf(bytes32 hold) external view returns (address account, address asset, uint256 amount, Source source);
    /// @notice Sum of all that is owed in an asset: free, bonded, queued, held and burned but not swept.
    function ledger(address asset) external view returns (uint256);
    function burned(address asset) external view returns (uint256);
    function isOperator(address account) external view returns (bool);
    function isAllowed(address asset) external view returns (bool);
    function unbondDelay() external view returns (uint64);
    function operators() external view returns (address[] memory);
    function assets() external view returns (address[] memory);
}
