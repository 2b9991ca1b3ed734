create table crm.customers (
	id int unsigned not null auto_increment comment 'number of the customer',
	mail varchar(200) not null comment 'address for letters',
	kind enum('private', 'it''s a firm', 'back\\slash', 'a,b', 'quote"', 'new\nline') not null default 'private',
	flags set('a', 'b'),
	born date default null,
	score decimal(5, 2) default 1.50 check (score >= 0),
	name_upper varchar(200) generated always as (upper(mail)) virtual,
	changed timestamp not null default current_timestamp on update current_timestamp,
	secret_note varchar(10) invisible default 'x',
	primary key (id), unique key mail_once (mail), key born_kind (born desc, kind), key mail_start (mail(10)),
	constraint adult check (born < '2020-01-01')
) engine InnoDB comment 'everybody who ever bought';
create table crm.orders (
	customer int unsigned, place int, total decimal(10, 2),
	primary key (customer, place), constraint of_customer foreign key (customer) references crm.customers (id) on delete cascade
);
create table crm.lines (
	customer int unsigned, place int, `odd.name ``here` int, primary key (customer, place, `odd.name ``here`),
	constraint of_order foreign key (customer, place) references crm.orders (customer, place)
);
create table crm.history (id int) with system versioning;
create table crm.measured (day date, value double) partition by range (year(day)) (partition old values less than (2020), partition new values less than maxvalue);
create table crm.`Umlaut ä.ö 数` (`数` int);
create sequence crm.numbers;
create table other.rates (currency char(3) primary key, rate double);
create view crm.totals as select c.id, c.mail, sum(o.total) as total, 1 as one, (select max(rate) from other.rates) as best
	from crm.customers c left join crm.orders o on o.customer = c.id group by c.id, c.mail;
create view crm.big as select id, mail from crm.totals where total > 1000;
create view crm.recent (born_in, start) as with young as (select * from crm.customers where born > '2000-01-01')
	select extract(year from y.born), trim(leading 'x' from m.mail) from young y join crm.customers m on m.id = y.id;
create view crm.everything as select mail from crm.customers union all select currency from other.rates;
create view crm.`odd view` as select `odd.name ``here` as a, u.`数` as b from crm.lines join crm.`Umlaut ä.ö 数` u;
